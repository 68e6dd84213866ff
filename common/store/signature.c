#include "store/signature.h"

#include "io/crypto.h"

void signature_hub_sha1(struct str secret, struct str body, struct buf *out)
{
    unsigned char digest[SHA1_BYTES];
    crypto_hmac_sha1(secret, body, digest);
    buf_str_append(out, STR("sha1="));
    buf_hex(out, str_make(digest, sizeof digest));
}

void signature_hub_sha256(struct str secret, struct str body, struct buf *out)
{
    unsigned char digest[SHA256_BYTES];
    crypto_hmac_sha256(secret, body, digest);
    buf_str_append(out, STR("sha256="));
    buf_hex(out, str_make(digest, sizeof digest));
}

static void sign(struct str secret, struct str content, unsigned char digest[SHA256_BYTES])
{
    AUTO(buf) decoded = {0};
    if (str_starts(secret, STR("whsec_")) &&
        buf_unbase64(&decoded, str_skip(secret, sizeof "whsec_" - 1)))
        crypto_hmac_sha256(buf_str(&decoded), content, digest);
    else
        crypto_hmac_sha256(secret, content, digest);
}

void signature_standard_text(struct str id, int64_t timestamp_s, struct str body, struct buf *out)
{
    buf_str_append(out, id);
    buf_byte(out, '.');
    buf_int(out, timestamp_s);
    buf_byte(out, '.');
    buf_str_append(out, body);
}

void signature_standard(const struct str *secrets, size_t secret_count, struct str id,
                        int64_t timestamp_s, struct str body, struct buf *out)
{
    AUTO(buf) content = {0};
    signature_standard_text(id, timestamp_s, body, &content);
    for (size_t i = 0; i < secret_count; i++) {
        unsigned char digest[SHA256_BYTES];
        sign(secrets[i], buf_str(&content), digest);
        buf_str_append(out, i == 0 ? STR("v1,") : STR(" v1,"));
        buf_base64(out, str_make(digest, sizeof digest));
    }
}
