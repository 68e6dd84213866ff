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

// ---- the other side

// What a request was signed with, and over what.
struct claim {
    const struct proof *proof;
    const struct str *secrets;
    size_t count;
    struct str body;
};

static bool hub_holds(const struct claim *claim, struct str shown, struct str prefix, size_t bytes,
                      void (*hmac)(struct str key, struct str bytes, unsigned char *digest))
{
    AUTO(buf) given = {0};
    bool holds = false;

    if (!str_starts(shown, prefix) || !buf_unhex(&given, str_skip(shown, prefix.len)))
        return false;
    for (size_t i = 0; i < claim->count; i++) {
        unsigned char digest[SHA256_BYTES];
        hmac(claim->secrets[i], claim->body, digest);
        holds |= crypto_equal(buf_str(&given), str_make(digest, bytes));
    }
    return holds;
}

static bool standard_is_of(struct str shown, struct str digest)
{
    bool is_of = false;
    struct str one;

    while (str_present(shown)) {
        AUTO(buf) given = {0};
        str_cut(shown, ' ', &one, &shown);
        if (str_starts(one, STR("v1,")) && buf_unbase64(&given, str_skip(one, sizeof "v1," - 1)))
            is_of |= crypto_equal(buf_str(&given), digest);
    }
    return is_of;
}

static bool standard_holds(const struct claim *claim, int64_t now_s)
{
    const struct proof *proof = claim->proof;
    AUTO(buf) content = {0};
    int64_t timestamp_s;
    bool holds = false;

    if (proof->id.len == 0 || !str_to_int(proof->timestamp, 0, INT64_MAX, &timestamp_s) ||
        timestamp_s < now_s - SIGNATURE_SKEW_S || timestamp_s > now_s + SIGNATURE_SKEW_S)
        return false;
    // As it was sent, zeros in front and all.
    buf_printf(&content, "%.*s.%.*s.", STR_ARG(proof->id), STR_ARG(proof->timestamp));
    buf_str_append(&content, claim->body);
    for (size_t i = 0; i < claim->count; i++) {
        unsigned char digest[SHA256_BYTES];
        sign(claim->secrets[i], buf_str(&content), digest);
        holds |= standard_is_of(proof->standard, str_make(digest, sizeof digest));
    }
    return holds;
}

static bool all_hold(const struct claim *claim, int64_t now_s)
{
    const struct proof *proof = claim->proof;

    return (!str_present(proof->hub_sha1) ||
            hub_holds(claim, proof->hub_sha1, STR("sha1="), SHA1_BYTES, crypto_hmac_sha1)) &&
           (!str_present(proof->hub_sha256) || hub_holds(claim, proof->hub_sha256, STR("sha256="),
                                                         SHA256_BYTES, crypto_hmac_sha256)) &&
           (!str_present(proof->standard) || standard_holds(claim, now_s));
}

bool signature_holds(const struct proof *proof, const struct str *secrets, size_t count,
                     int64_t now_s)
{
    struct claim claim = {.proof = proof, .secrets = secrets, .count = count, .body = proof->body};

    if (!proof_is_shown(proof) || proof->is_partial || proof->is_cut)
        return false;
    if (all_hold(&claim, now_s))
        return true;
    claim.body = proof->inflated;
    return str_present(proof->inflated) && all_hold(&claim, now_s);
}
