// keyring: secrets at rest. Each secret is sealed under its own random data key, and the data key
// is wrapped by a key-encryption key of the ring:
//
//   "v2|" key id "|" base64 (wrapped data key) "|" base64 (iv, ciphertext, tag)
//
// The setting NEXUS_KEY_ENCRYPTION_KEY holds the ring, a key of 64 hex digits a line: the first
// one seals, all can open. To replace a key: put the new one before the others, wrap all data keys
// again (nexusctl rekey; no secret is opened for this), and remove the old one. Processes need no
// restart: the ring is read again before a secret is sealed, and when a secret names an unknown
// key.
//
// aad binds a secret to its place (secrets/secret.h), so it cannot be opened in another place.
// Older secrets without a data key ("v1|" iv "|" ciphertext, sealed directly under a key-encryption
// key) can still be opened.
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

// Are these lines valid keys? The error does not show them.
MUST_USE bool keyring_check(struct str text, struct err *err);
// Reads the keys again; on failure the ring stays as it is.
MUST_USE bool keyring_reload(struct keyring *ring, struct err *err);

// ERR_UNAVAILABLE when there is no key.
MUST_USE bool keyring_seal(struct keyring *ring, struct str aad, struct str plain,
                           struct buf *sealed, struct err *err);
MUST_USE bool keyring_open(struct keyring *ring, struct str aad, struct str sealed,
                           struct buf *plain, struct err *err);

// The same secret under the ring's first key: the data key is wrapped again. If it is already
// wrapped by that key, the text is returned unchanged. Only an old "v1|" secret is opened, so only
// it needs aad.
MUST_USE bool keyring_rewrap(struct keyring *ring, struct str aad, struct str sealed,
                             struct buf *out, struct err *err);

// The names of the keys in sealed texts, the sealing key first; NULL past the end. Valid until the
// ring is read again.
const char *keyring_key_id(const struct keyring *ring, size_t index);

// Does it have the form of a sealed secret?
bool secret_is_sealed(struct str text);
// For secrets that people wrote into a table by hand: stored is sealed or plain. plain gets the
// secret. If it was stored plain, sealed gets the text that must replace it; otherwise sealed stays
// empty.
MUST_USE bool keyring_adopt(struct keyring *ring, struct str aad, struct str stored,
                            struct buf *plain, struct buf *sealed, struct err *err);
