// session: see the header.
#include "store/session.h"

#include "base/buf.h"
#include "base/random.h"

static void hex_write(const unsigned char bytes[SHA256_BYTES], char text[2 * SHA256_BYTES + 1])
{
    AUTO(buf) hex = {0};

    buf_hex(&hex, str_make(bytes, SHA256_BYTES));
    memcpy(text, hex.data, 2 * SHA256_BYTES);
    text[2 * SHA256_BYTES] = '\0';
}

void session_secret_new(char secret[SESSION_SECRET_LENGTH + 1])
{
    unsigned char bytes[SHA256_BYTES];

    random_bytes(bytes, sizeof bytes);
    hex_write(bytes, secret);
}

bool session_secret_is_plausible(struct str secret)
{
    AUTO(buf) bytes = {0};

    return secret.len == SESSION_SECRET_LENGTH && buf_unhex(&bytes, secret);
}

void session_digest(struct str secret, unsigned char digest[SHA256_BYTES])
{
    crypto_sha256(secret, digest);
}

void session_seal_key(struct str secret, unsigned char key[SHA256_BYTES])
{
    crypto_hmac_sha256(secret, STR("nexus session token"), key);
}

void session_csrf(struct str secret, char csrf[SESSION_CSRF_LENGTH + 1])
{
    unsigned char mac[SHA256_BYTES];

    crypto_hmac_sha256(secret, STR("nexus session csrf"), mac);
    hex_write(mac, csrf);
}
