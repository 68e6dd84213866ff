// provision_doc: the checked file as the document that provision_apply() in db/functions/administration/apply.sql
// takes: keys as MACs, secrets sealed. Everything lives in the arena.
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "io/pg/pg_script.h"
#include "nexusctl/apply/provision_file.h"
#include "secrets/keyring.h"
#include "secrets/secret.h"

// A key that was generated because the file gives no value. The plan says whether it is used: only
// if there was none of its name.
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

// A secret that the database already has is taken over in its sealed form, so that only differences
// show as changes; script reads the stored ones.
MUST_USE bool provision_doc_make(const struct provision_file *file,
                                 const struct provision_keys *keys, struct pg_script *script,
                                 struct arena *arena, struct provision_doc *doc, struct err *err);

// A key's entry in the document: name, mac, prefix….
void key_write(struct buf *out, const struct file_key *key, struct str value, bool given,
               const unsigned char pepper[SECRET_KEY_BYTES]);
