// stored_secrets: what a contact center has sealed already, as provision_sealed() in
// db/functions/apply.sql tells it; and a sealer that takes it over where it is the same secret.
#pragma once

#include "base/arena.h"
#include "store/keyring.h"
#include "store/sealer.h"
#include "wire/codec_json.h"

struct stored_secrets {
    struct keyring *ring;
    struct str ccid;                // in lower case
    const struct json_view *secret; // the stored secrets of what is being sealed, or NULL
};

// Seals with the ring, unless a secret of this owner and use that opens to the same text is stored:
// then that is what comes back. *with must outlive the sealer.
struct sealer stored_sealer(struct stored_secrets *with);
