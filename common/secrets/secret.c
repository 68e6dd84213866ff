// secret: see the header.
#include "secrets/secret.h"

bool secret_key_parse(const char *name, struct str hex, unsigned char key[SECRET_KEY_BYTES],
                      struct err *err)
{
    AUTO(buf) bytes = {0};

    if (!buf_unhex(&bytes, hex) || bytes.len != SECRET_KEY_BYTES)
        return err_set(err, ERR_BAD_INPUT, "%s must be %d hex digits", name, SECRET_KEY_BYTES * 2);
    memcpy(key, bytes.data, SECRET_KEY_BYTES);
    return true;
}

void secret_aad(struct buf *aad, struct str ccid, struct str address, const char *use)
{
    buf_printf(aad, "secret|%.*s|%.*s|%s", STR_ARG(ccid), STR_ARG(address), use);
}

void key_mac(const unsigned char pepper[SECRET_KEY_BYTES], const unsigned char digest[SHA256_BYTES],
             unsigned char mac[SHA256_BYTES])
{
    crypto_hmac_sha256(str_make(pepper, SECRET_KEY_BYTES), str_make(digest, SHA256_BYTES), mac);
}
