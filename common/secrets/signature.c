// signature: see the header.
#include "secrets/signature.h"

#include "base/heap.h"
#include "crypto/crypto.h"

#include <stdlib.h>

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

// The forms in which a request may be signed; every signature that it carries must be valid.
enum signature_form { HUB_SHA1, HUB_SHA256, STANDARD, FORMS };

struct signature_check {
    size_t count;                // of secrets
    struct crypto_hmac *hmacs[]; // form by form, one for each secret; NULL: the form is not shown
};

static struct str shown(const struct proof *proof, enum signature_form form)
{
    const struct str headers[FORMS] = {[HUB_SHA1] = proof->hub_sha1,
                                       [HUB_SHA256] = proof->hub_sha256,
                                       [STANDARD] = proof->standard};

    return headers[form];
}

static struct crypto_hmac *hmac_begin(const struct proof *proof, enum signature_form form,
                                      struct str secret)
{
    AUTO(buf) decoded = {0}, head = {0};
    struct crypto_hmac *hmac;

    if (form != STANDARD)
        return crypto_hmac_new(form == HUB_SHA1 ? CRYPTO_SHA1 : CRYPTO_SHA256, secret);
    bool is_decoded = str_starts(secret, STR("whsec_")) &&
                      buf_unbase64(&decoded, str_skip(secret, sizeof "whsec_" - 1));
    hmac = crypto_hmac_new(CRYPTO_SHA256, is_decoded ? buf_str(&decoded) : secret);
    crypto_forget(decoded.data, decoded.len);
    // Exactly as it was sent, with leading zeros.
    buf_printf(&head, "%.*s.%.*s.", STR_ARG(proof->id), STR_ARG(proof->timestamp));
    crypto_hmac_add(hmac, buf_str(&head));
    return hmac;
}

struct signature_check *signature_check_new(const struct proof *proof, const struct str *secrets,
                                            size_t count)
{
    struct signature_check *check =
        heap_new(sizeof *check + FORMS * count * sizeof(struct crypto_hmac *));
    check->count = count;
    for (enum signature_form form = 0; form < FORMS; form++)
        for (size_t i = 0; i < count && str_present(shown(proof, form)); i++)
            check->hmacs[form * count + i] = hmac_begin(proof, form, secrets[i]);
    return check;
}

void signature_check_add(struct signature_check *check, struct str bytes)
{
    for (size_t i = 0; i < FORMS * check->count; i++)
        if (check->hmacs[i])
            crypto_hmac_add(check->hmacs[i], bytes);
}

static bool hub_is_of(struct str given, struct str prefix, struct str digest)
{
    AUTO(buf) bytes = {0};

    return str_starts(given, prefix) && buf_unhex(&bytes, str_skip(given, prefix.len)) &&
           crypto_equal(buf_str(&bytes), digest);
}

static bool standard_is_of(struct str given, struct str digest)
{
    bool is_of = false;
    struct str one;

    while (str_present(given)) {
        AUTO(buf) bytes = {0};
        str_cut(given, ' ', &one, &given);
        if (str_starts(one, STR("v1,")) && buf_unbase64(&bytes, str_skip(one, sizeof "v1," - 1)))
            is_of |= crypto_equal(buf_str(&bytes), digest);
    }
    return is_of;
}

static bool is_timely(const struct proof *proof, int64_t now_s)
{
    int64_t timestamp_s;

    return proof->id.len > 0 && str_to_int(proof->timestamp, 0, INT64_MAX, &timestamp_s) &&
           timestamp_s >= now_s - SIGNATURE_SKEW_S && timestamp_s <= now_s + SIGNATURE_SKEW_S;
}

static bool form_holds(struct signature_check *check, const struct proof *proof,
                       enum signature_form form, int64_t now_s)
{
    struct str given = shown(proof, form);
    bool holds = false;

    for (size_t i = 0; i < check->count; i++) {
        unsigned char bytes[SHA256_BYTES];
        crypto_hmac_end(&check->hmacs[form * check->count + i], bytes);
        struct str digest = str_make(bytes, form == HUB_SHA1 ? SHA1_BYTES : SHA256_BYTES);
        holds |= form == STANDARD
                     ? standard_is_of(given, digest)
                     : hub_is_of(given, form == HUB_SHA1 ? STR("sha1=") : STR("sha256="), digest);
    }
    return holds && (form != STANDARD || is_timely(proof, now_s));
}

bool signature_check_end(struct signature_check **ending, const struct proof *proof, int64_t now_s)
{
    struct signature_check *check = *ending;
    bool holds = true;

    for (enum signature_form form = 0; form < FORMS; form++)
        if (str_present(shown(proof, form)))
            holds &= form_holds(check, proof, form, now_s);
    signature_check_free(ending);
    return holds && proof_is_shown(proof) && !proof->is_partial;
}

void signature_check_free(struct signature_check **check)
{
    for (size_t i = 0; *check && i < FORMS * (*check)->count; i++)
        if ((*check)->hmacs[i])
            crypto_hmac_end(&(*check)->hmacs[i], NULL);
    free(*check);
    *check = NULL;
}

static bool body_holds(const struct proof *proof, struct str body, const struct str *secrets,
                       size_t count, int64_t now_s)
{
    struct signature_check *check = signature_check_new(proof, secrets, count);

    signature_check_add(check, body);
    return signature_check_end(&check, proof, now_s);
}

bool signature_holds(const struct proof *proof, const struct str *secrets, size_t count,
                     int64_t now_s)
{
    return !proof->is_cut && (body_holds(proof, proof->body, secrets, count, now_s) ||
                              (str_present(proof->inflated) &&
                               body_holds(proof, proof->inflated, secrets, count, now_s)));
}
