// keyring: secrets at rest. Each secret is sealed under a random data key of its own, and the data
// key is wrapped by a key-encryption key of the ring:
//
//   "v2|" key id "|" base64 (wrapped data key) "|" base64 (iv, ciphertext, tag)
//
// The setting NEXUS_KEY_ENCRYPTION_KEY holds the ring, a key of 64 hex digits a line: the first
// seals, all open. To replace a key: put the new one in front, wrap all data keys anew (nexusctl
// rekey; no secret is opened for it), drop the old one. The processes need no restart: the ring is
// read again before anything is sealed, and when a secret names a key that is not in it.
//
// aad binds a secret to its place (store/secret.h): moved elsewhere it does not open. What was sealed
// before there were data keys ("v1|" iv "|" ciphertext, under a key-encryption key itself) still opens.
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct keyring;

// The lines as they are now; empty: there are no keys. The text lives in the arena.
typedef bool keyring_read_fn(void *context, struct arena *arena, struct str *text, struct err *err);

// NULL when the keys cannot be read. Without any key, nothing seals and nothing opens.
MUST_USE struct keyring *keyring_new(keyring_read_fn *read, void *context, struct err *err);
void keyring_free(struct keyring **ring);

// Are these lines keys? The error does not show them.
MUST_USE bool keyring_check(struct str text, struct err *err);
// Reads the keys again; on failure the ring stays as it is.
MUST_USE bool keyring_reload(struct keyring *ring, struct err *err);

// ERR_UNAVAILABLE when there is no key.
MUST_USE bool keyring_seal(struct keyring *ring, struct str aad, struct str plain,
                           struct buf *sealed, struct err *err);
MUST_USE bool keyring_open(struct keyring *ring, struct str aad, struct str sealed,
                           struct buf *plain, struct err *err);

// The same secret under the ring's first key: the data key is wrapped anew, and where it is already
// under that key the text comes back as it was. Only an old "v1|" is opened, so only it needs aad.
MUST_USE bool keyring_rewrap(struct keyring *ring, struct str aad, struct str sealed,
                             struct buf *out, struct err *err);

// What the keys are called in sealed texts, the one that seals first; NULL past the end. Lives until
// the ring is read again.
const char *keyring_key_id(const struct keyring *ring, size_t index);

// Has it the form of a sealed secret?
bool secret_is_sealed(struct str text);
// For secrets that people put into a table by hand: stored is sealed, or in clear. plain gets the
// secret; where it stood there in clear, sealed gets what must replace it, else it stays empty.
MUST_USE bool keyring_adopt(struct keyring *ring, struct str aad, struct str stored,
                            struct buf *plain, struct buf *sealed, struct err *err);
