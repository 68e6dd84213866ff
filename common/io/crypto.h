// crypto: digests, signatures, sealed secrets; the only file that knows OpenSSL.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "base/str.h"

enum { SHA1_BYTES = 20, SHA256_BYTES = 32 };

void crypto_sha256(struct str bytes, unsigned char digest[SHA256_BYTES]);
void crypto_hmac_sha1(struct str key, struct str bytes, unsigned char digest[SHA1_BYTES]);
void crypto_hmac_sha256(struct str key, struct str bytes, unsigned char digest[SHA256_BYTES]);
// Equal in constant time; lengths may differ (then false).
bool crypto_equal(struct str a, struct str b);
// A name-based id (UUIDv8): the first 128 bits of SHA-256 over the parts, each prefixed by its
// length.
struct id crypto_id_of(const struct str *parts, size_t count);

// Secrets at rest: AES-256-GCM under the key-encryption key, as "v1|" base64(iv) "|"
// base64(ciphertext+tag). aad binds it to its place (table, column, tenant, row): moved elsewhere
// it does not open.
void crypto_seal(const unsigned char key[32], struct str aad, struct str plain, struct buf *sealed);
MUST_USE bool crypto_unseal(const unsigned char key[32], struct str aad, struct str sealed,
                            struct buf *plain, struct err *err);
