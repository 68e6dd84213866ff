// crypto: digests, signatures, sealed secrets; the only file that knows OpenSSL.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "base/str.h"

enum { SHA1_BYTES = 20, SHA256_BYTES = 32 };

void crypto_sha256(struct str bytes, unsigned char digest[SHA256_BYTES]);
// SHA-256 of bytes that come piece by piece. The end function frees the hash.
struct crypto_hash;
struct crypto_hash *crypto_hash_new(void);
void crypto_hash_add(struct crypto_hash *hash, struct str bytes);
void crypto_hash_end(struct crypto_hash **hash, unsigned char *digest); // digest may be NULL
// HMAC of bytes that come piece by piece.
enum crypto_kind { CRYPTO_SHA1, CRYPTO_SHA256 };
struct crypto_hmac;
struct crypto_hmac *crypto_hmac_new(enum crypto_kind kind, struct str key);
void crypto_hmac_add(struct crypto_hmac *hmac, struct str bytes);
void crypto_hmac_end(struct crypto_hmac **hmac, unsigned char *digest); // digest may be NULL
void crypto_hmac_sha1(struct str key, struct str bytes, unsigned char digest[SHA1_BYTES]);
void crypto_hmac_sha256(struct str key, struct str bytes, unsigned char digest[SHA256_BYTES]);
// Equal in constant time; lengths may differ (then false).
bool crypto_equal(struct str a, struct str b);
// A name-based id (UUIDv8): the first 128 bits of SHA-256 over the parts, each prefixed by its
// length.
struct id crypto_id_of(const struct str *parts, size_t count);

// AES-256-GCM. Sealing appends iv, ciphertext and tag; opening takes exactly that, appends the
// plain text, and is false, with plain as it was, when key, aad or a bit differs.
enum { CRYPTO_KEY_BYTES = 32, CRYPTO_SEAL_BYTES = 28 }; // a key; what sealing adds
void crypto_aead_seal(const unsigned char key[CRYPTO_KEY_BYTES], struct str aad, struct str plain,
                      struct buf *out);
MUST_USE bool crypto_aead_open(const unsigned char key[CRYPTO_KEY_BYTES], struct str aad,
                               struct str sealed, struct buf *plain);
// Overwrites what must not stay in memory.
void crypto_forget(void *bytes, size_t count);
