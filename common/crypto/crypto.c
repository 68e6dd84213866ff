// crypto: one-shot OpenSSL 3 calls. A failure of OpenSSL here means that it is not usable at all.
// No caller could handle that, so it panics.
//
// The SHA-256 of a short text is taken for each message and each key, and the functions that
// OpenSSL 3 recommends look the algorithm up by its name each time: about 6,000 instructions a
// digest instead of 2,400 (counted by callgrind). SHA256_Init(), SHA256_Update() and SHA256_Final()
// do not; they are deprecated.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/crypto.h"

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
    SHA256_CTX context;

    if (!SHA256_Init(&context) || !SHA256_Update(&context, bytes.ptr, bytes.len) ||
        !SHA256_Final(digest, &context))
        panic("SHA-256 failed");
    OPENSSL_cleanse(&context, sizeof context); // a key may have been in it
}

static EVP_MD_CTX *hash_context(struct crypto_hash *hash)
{
    return (EVP_MD_CTX *)hash;
}

struct crypto_hash *crypto_hash_new(void)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    if (!context || !EVP_DigestInit_ex(context, EVP_sha256(), NULL))
        panic("SHA-256 failed");
    return (struct crypto_hash *)context;
}

void crypto_hash_add(struct crypto_hash *hash, struct str bytes)
{
    if (!EVP_DigestUpdate(hash_context(hash), bytes.ptr, bytes.len))
        panic("SHA-256 failed");
}

void crypto_hash_end(struct crypto_hash **hash, unsigned char *digest)
{
    if (*hash && digest && !EVP_DigestFinal_ex(hash_context(*hash), digest, NULL))
        panic("SHA-256 failed");
    EVP_MD_CTX_free(hash_context(*hash));
    *hash = NULL;
}

static HMAC_CTX *hmac_context(struct crypto_hmac *hmac)
{
    return (HMAC_CTX *)hmac;
}

struct crypto_hmac *crypto_hmac_new(enum crypto_kind kind, struct str key)
{
    HMAC_CTX *context = HMAC_CTX_new();

    ASSERT(key.len <= INT_MAX);
    if (!context ||
        !HMAC_Init_ex(context, key.len ? (const void *)key.ptr : (const void *)"", (int)key.len,
                      kind == CRYPTO_SHA1 ? EVP_sha1() : EVP_sha256(), NULL))
        panic("HMAC failed");
    return (struct crypto_hmac *)context;
}

void crypto_hmac_add(struct crypto_hmac *hmac, struct str bytes)
{
    if (!HMAC_Update(hmac_context(hmac), (const unsigned char *)bytes.ptr, bytes.len))
        panic("HMAC failed");
}

void crypto_hmac_end(struct crypto_hmac **hmac, unsigned char *digest)
{
    unsigned length;

    if (*hmac && digest && !HMAC_Final(hmac_context(*hmac), digest, &length))
        panic("HMAC failed");
    HMAC_CTX_free(hmac_context(*hmac));
    *hmac = NULL;
}

static void hmac(const EVP_MD *type, struct str key, struct str bytes, unsigned char *digest)
{
    ASSERT(key.len <= INT_MAX);
    // A NULL key would mean the key of the previous call.
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

void crypto_aead_seal(const unsigned char key[CRYPTO_KEY_BYTES], struct str aad, struct str plain,
                      struct buf *out)
{
    ASSERT(aad.len <= INT_MAX && plain.len <= INT_MAX - TAG_BYTES);
    unsigned char *iv = (unsigned char *)buf_reserve(out, plain.len + CRYPTO_SEAL_BYTES);
    unsigned char *cipher = iv + IV_BYTES;
    int length = 0;
    int last = 0;

    random_bytes(iv, IV_BYTES);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool worked =
        context && EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, iv) &&
        EVP_EncryptUpdate(context, NULL, &length, (const unsigned char *)aad.ptr, (int)aad.len) &&
        EVP_EncryptUpdate(context, cipher, &length, (const unsigned char *)plain.ptr,
                          (int)plain.len) &&
        EVP_EncryptFinal_ex(context, cipher + length, &last) &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, cipher + plain.len);
    EVP_CIPHER_CTX_free(context);
    if (!worked)
        panic("AES-256-GCM failed");
    out->len += plain.len + CRYPTO_SEAL_BYTES;
}

bool crypto_aead_open(const unsigned char key[CRYPTO_KEY_BYTES], struct str aad, struct str sealed,
                      struct buf *plain)
{
    if (sealed.len < CRYPTO_SEAL_BYTES || sealed.len > INT_MAX || aad.len > INT_MAX)
        return false;
    size_t plain_bytes = sealed.len - CRYPTO_SEAL_BYTES;
    unsigned char *out = (unsigned char *)buf_reserve(plain, plain_bytes + 1);
    const unsigned char *iv = (const unsigned char *)sealed.ptr, *cipher = iv + IV_BYTES;
    unsigned char tag[TAG_BYTES];
    int length = 0;
    int last = 0;

    memcpy(tag, cipher + plain_bytes, TAG_BYTES);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool opened =
        context && EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, iv) &&
        EVP_DecryptUpdate(context, NULL, &length, (const unsigned char *)aad.ptr, (int)aad.len) &&
        EVP_DecryptUpdate(context, out, &length, cipher, (int)plain_bytes) &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, tag) &&
        EVP_DecryptFinal_ex(context, out + length, &last);
    EVP_CIPHER_CTX_free(context);
    if (opened)
        plain->len += plain_bytes;
    else
        OPENSSL_cleanse(out, plain_bytes);
    return opened;
}

void crypto_forget(void *bytes, size_t count)
{
    OPENSSL_cleanse(bytes, count);
}
