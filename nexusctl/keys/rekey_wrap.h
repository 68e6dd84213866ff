// rekey_wrap: brings all sealed secrets under the first key of the ring, a contact center at a time.
#pragma once

#include "nexusctl/cli/command.h"
#include "secrets/keyring.h"

struct rekey {
    struct call *call;
    struct pg_script *script;
    const char *path; // of the file of keys
    struct str text;  // its lines, as the ring has them
    struct keyring *ring;
    struct str first;  // the id of the key that seals
    int64_t rewrapped; // secrets, of this run
    bool goes_on;      // it continues an interrupted run
    int64_t shown_ms;  // when progress was last shown
};

// Repeats until nothing is sealed under another key. Completed work stays done if it is
// interrupted.
MUST_USE bool rekey_wrap(struct rekey *rekey, struct err *err);

// One query; view may be NULL.
MUST_USE bool rekey_ask(struct rekey *rekey, enum statement statement, const struct str *params,
                        size_t count, const struct json_view **view, struct err *err);
