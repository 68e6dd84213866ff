// signature: see the header.
#include "store/signature.h"

#include "io/crypto.h"

void signature_sha1(struct buf *out, struct str secret, struct str body)
{
    unsigned char digest[SHA1_BYTES];

    crypto_hmac_sha1(secret, body, digest);
    buf_str_append(out, STR("sha1="));
    buf_hex(out, str_make(digest, sizeof digest));
}

void signature_sha256(struct buf *out, struct str secret, struct str body)
{
    unsigned char digest[SHA256_BYTES];

    crypto_hmac_sha256(secret, body, digest);
    buf_str_append(out, STR("sha256="));
    buf_hex(out, str_make(digest, sizeof digest));
}

void signature_standard_text(struct buf *out, struct str id, struct str timestamp, struct str body)
{
    buf_str_append(out, id);
    buf_byte(out, '.');
    buf_str_append(out, timestamp);
    buf_byte(out, '.');
    buf_str_append(out, body);
}

void signature_standard(struct buf *out, struct str secret, struct str id, struct str timestamp,
                        struct str body)
{
    const struct str prefix = STR("whsec_");
    unsigned char digest[SHA256_BYTES];
    AUTO(buf) key = {0};
    AUTO(buf) text = {0};

    if (!str_starts(secret, prefix) || !buf_unbase64(&key, str_skip(secret, prefix.len))) {
        buf_clear(&key);
        buf_str_append(&key, secret);
    }
    signature_standard_text(&text, id, timestamp, body);
    crypto_hmac_sha256(buf_str(&key), buf_str(&text), digest);
    buf_str_append(out, STR("v1,"));
    buf_base64(out, str_make(digest, sizeof digest));
}
