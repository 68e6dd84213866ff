// provision_doc: the checked file as the document that provision_apply() in db/functions/apply.sql
// takes: keys as MACs, secrets sealed. Everything lives in the arena.
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "io/pg_script.h"
#include "nexusctl/provision_file.h"
#include "store/keyring.h"
#include "store/secret.h"

// A key that was made because the file does not say what it is. Whether it is used, the plan says:
// only where there was none of its name.
struct fresh_key {
    struct str ccid, name, key; // ccid "*": a cluster key
};

struct provision_doc {
    struct str json;
    struct fresh_key *fresh;
    size_t fresh_count;
};

struct provision_keys {
    unsigned char pepper[SECRET_KEY_BYTES];
    struct keyring *ring;
};

// A secret that the database has already is taken over as it is sealed there, so that only what
// differs shows as a change; for that script is asked.
MUST_USE bool provision_doc_make(const struct provision_file *file,
                                 const struct provision_keys *keys, struct pg_script *script,
                                 struct arena *arena, struct provision_doc *doc, struct err *err);

// A key's entry in the document: name, mac, prefix….
void key_write(struct buf *out, const struct file_key *key, struct str value, bool given,
               const unsigned char pepper[SECRET_KEY_BYTES]);
