// stored_secrets: the sealed secrets of a contact center, from provision_sealed() in
// db/functions/administration/apply.sql; and a sealer that reuses the sealed form of an unchanged
// secret.
#pragma once

#include "base/arena.h"
#include "secrets/keyring.h"
#include "secrets/sealer.h"
#include "wire/json/codec_json.h"

struct stored_secrets {
    struct keyring *ring;
    struct str ccid;                // in lower case
    const struct json_view *secret; // stored, of the object that is being sealed, or NULL
};

// Seals with the ring. If a stored secret of this owner and use opens to the same text, it returns
// the stored one instead. *with must outlive the sealer.
struct sealer stored_sealer(struct stored_secrets *with);
