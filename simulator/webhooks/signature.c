// signature: three schemes over the exact bytes received.
#include "simulator/webhooks/signature.h"

#include "base/buf.h"
#include "crypto/crypto.h"

enum { CLOCK_SKEW_S = 300 };

static bool hex_matches(struct str header, const char *scheme, const unsigned char *digest,
                        size_t digest_bytes)
{
    AUTO(buf) expected = {0};

    buf_printf(&expected, "%s=", scheme);
    buf_hex(&expected, str_make(digest, digest_bytes));
    return crypto_equal(header, buf_str(&expected));
}

static bool hub_is_good(const struct signed_webhook *webhook, struct str secret)
{
    unsigned char digest[SHA1_BYTES];

    crypto_hmac_sha1(secret, webhook->body, digest);
    return hex_matches(webhook->hub, "sha1", digest, sizeof digest);
}

static bool hub_256_is_good(const struct signed_webhook *webhook, struct str secret)
{
    unsigned char digest[SHA256_BYTES];

    crypto_hmac_sha256(secret, webhook->body, digest);
    return hex_matches(webhook->hub_256, "sha256", digest, sizeof digest);
}

// A secret of the form "whsec_<base64>" means the bytes that it encodes, as the standard says.
static struct str standard_key(struct str secret, struct buf *decoded)
{
    const struct str prefix = STR("whsec_");

    if (str_starts(secret, prefix) && buf_unbase64(decoded, str_skip(secret, prefix.len)))
        return buf_str(decoded);
    return secret;
}

static bool standard_is_good(const struct signed_webhook *webhook, struct str secret, int64_t now_s)
{
    AUTO(buf) key = {0};
    AUTO(buf) content = {0};
    AUTO(buf) expected = {0};
    unsigned char digest[SHA256_BYTES];
    struct str list = webhook->webhook_signature, entry;
    int64_t timestamp;

    if (!str_to_int(webhook->webhook_timestamp, 0, INT64_MAX, &timestamp) ||
        timestamp < now_s - CLOCK_SKEW_S || timestamp > now_s + CLOCK_SKEW_S)
        return false;
    buf_printf(&content, "%.*s.%.*s.", STR_ARG(webhook->webhook_id),
               STR_ARG(webhook->webhook_timestamp));
    buf_str_append(&content, webhook->body);
    crypto_hmac_sha256(standard_key(secret, &key), buf_str(&content), digest);
    buf_str_append(&expected, STR("v1,"));
    buf_base64(&expected, str_make(digest, sizeof digest));
    while (str_present(list)) {
        str_cut(list, ' ', &entry, &list);
        if (crypto_equal(entry, buf_str(&expected)))
            return true;
    }
    return false;
}

bool signature_is_good(const struct signed_webhook *webhook, struct str secret, int64_t now_s)
{
    return str_present(webhook->hub) && hub_is_good(webhook, secret) &&
           (!str_present(webhook->hub_256) || hub_256_is_good(webhook, secret)) &&
           (!str_present(webhook->webhook_signature) || standard_is_good(webhook, secret, now_s));
}
