// sealer: seals the secrets of a provisioned document while it is being read. owner and use say
// which secret it is, as secrets/secret.h binds it.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct keyring;

struct sealer {
    bool (*seal)(void *context, struct str owner, struct str use, struct str plain,
                 struct buf *sealed, struct err *err);
    void *context;
};

// The sealer that binds every secret to a contact center, under the ring's first key.
struct ring_sealer {
    struct keyring *ring;
    struct str ccid; // in lower case
};
struct sealer ring_sealer(struct ring_sealer *with); // which must outlive it
