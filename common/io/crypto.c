// crypto: one-shot OpenSSL 3 calls. A failure of OpenSSL here means it is not usable at all, which
// no caller could mend: it panics.
#include "io/crypto.h"

#include "base/panic.h"
#include "base/random.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

enum { IV_BYTES = 12, TAG_BYTES = 16 };

void crypto_sha256(struct str bytes, unsigned char digest[SHA256_BYTES])
{
    SHA256((const unsigned char *)bytes.ptr, bytes.len, digest);
}

static void hmac(const EVP_MD *type, struct str key, struct str bytes, unsigned char *digest)
{
    ASSERT(key.len <= INT_MAX);
    // A NULL key would mean "the one of the call before".
    const void *key_bytes = key.len ? (const void *)key.ptr : (const void *)"";

    if (!HMAC(type, key_bytes, (int)key.len, (const unsigned char *)bytes.ptr, bytes.len, digest,
              NULL))
        panic("HMAC failed");
}

void crypto_hmac_sha1(struct str key, struct str bytes, unsigned char digest[SHA1_BYTES])
{
    hmac(EVP_sha1(), key, bytes, digest);
}

void crypto_hmac_sha256(struct str key, struct str bytes, unsigned char digest[SHA256_BYTES])
{
    hmac(EVP_sha256(), key, bytes, digest);
}

bool crypto_equal(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.ptr, b.ptr, a.len) == 0);
}

struct id crypto_id_of(const struct str *parts, size_t count)
{
    AUTO(buf) name = {0};
    for (size_t i = 0; i < count; i++) {
        uint32_t length = (uint32_t)parts[i].len;
        buf_byte(&name, (unsigned char)(length >> 24));
        buf_byte(&name, (unsigned char)(length >> 16));
        buf_byte(&name, (unsigned char)(length >> 8));
        buf_byte(&name, (unsigned char)length);
        buf_str_append(&name, parts[i]);
    }
    unsigned char digest[SHA256_BYTES];
    crypto_sha256(buf_str(&name), digest);

    struct id id;
    memcpy(id.bytes, digest, sizeof id.bytes);
    id.bytes[6] = (uint8_t)((id.bytes[6] & 0x0f) | 0x80); // version 8
    id.bytes[8] = (uint8_t)((id.bytes[8] & 0x3f) | 0x80); // variant of RFC 9562
    return id;
}

void crypto_seal(const unsigned char key[32], struct str aad, struct str plain, struct buf *sealed)
{
    ASSERT(aad.len <= INT_MAX && plain.len <= INT_MAX - TAG_BYTES);
    unsigned char iv[IV_BYTES];
    random_bytes(iv, sizeof iv);
    AUTO(buf) cipher = {0};
    unsigned char *out = (unsigned char *)buf_reserve(&cipher, plain.len + TAG_BYTES);
    int length = 0;
    int last = 0;

    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool worked =
        context && EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, iv) &&
        EVP_EncryptUpdate(context, NULL, &length, (const unsigned char *)aad.ptr, (int)aad.len) &&
        EVP_EncryptUpdate(context, out, &length, (const unsigned char *)plain.ptr,
                          (int)plain.len) &&
        EVP_EncryptFinal_ex(context, out + length, &last) &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, out + plain.len);
    EVP_CIPHER_CTX_free(context);
    if (!worked)
        panic("AES-256-GCM failed");
    cipher.len = plain.len + TAG_BYTES;

    buf_str_append(sealed, STR("v1|"));
    buf_base64(sealed, str_make(iv, sizeof iv));
    buf_byte(sealed, '|');
    buf_base64(sealed, buf_str(&cipher));
}

static bool sealed_parts(struct str sealed, struct buf *iv, struct buf *cipher)
{
    struct str version;
    struct str rest;
    struct str iv_text;
    return str_cut(sealed, '|', &version, &rest) && str_equal(version, STR("v1")) &&
           str_cut(rest, '|', &iv_text, &rest) && buf_unbase64(iv, iv_text) &&
           iv->len == IV_BYTES && buf_unbase64(cipher, rest) && cipher->len >= TAG_BYTES &&
           cipher->len <= INT_MAX;
}

bool crypto_unseal(const unsigned char key[32], struct str aad, struct str sealed,
                   struct buf *plain, struct err *err)
{
    ASSERT(aad.len <= INT_MAX);
    AUTO(buf) iv = {0};
    AUTO(buf) cipher = {0};
    if (!sealed_parts(sealed, &iv, &cipher))
        return err_set(err, ERR_INTERNAL, "a sealed secret is not in the form v1|iv|ciphertext");

    size_t plain_bytes = cipher.len - TAG_BYTES;
    unsigned char *out = (unsigned char *)buf_reserve(plain, plain_bytes + 1);
    const unsigned char *in = (const unsigned char *)cipher.data;
    int length = 0;
    int last = 0;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool opened =
        context &&
        EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, (unsigned char *)iv.data) &&
        EVP_DecryptUpdate(context, NULL, &length, (const unsigned char *)aad.ptr, (int)aad.len) &&
        EVP_DecryptUpdate(context, out, &length, in, (int)plain_bytes) &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, cipher.data + plain_bytes) &&
        EVP_DecryptFinal_ex(context, out + length, &last);
    EVP_CIPHER_CTX_free(context);
    if (!opened) {
        OPENSSL_cleanse(out, plain_bytes);
        return err_set(err, ERR_INTERNAL,
                       "a sealed secret does not open: another key, or moved from its place");
    }
    plain->len += plain_bytes;
    return true;
}
