// rekey_wrap: brings all sealed secrets under the first key of the ring, a contact center at a time.
#pragma once

#include "nexusctl/command.h"
#include "store/keyring.h"

struct rekey {
    struct call *call;
    struct pg_script *script;
    const char *path; // of the file of keys
    struct str text;  // its lines, as the ring has them
    struct keyring *ring;
    struct str first;  // the id of the key that seals
    int64_t rewrapped; // secrets, of this run
    bool goes_on;      // with what an earlier run began
    int64_t told_ms;   // when progress was last shown
};

// Until there is nothing under another key. What is done stays done, wherever it breaks off.
MUST_USE bool rekey_wrap(struct rekey *rekey, struct err *err);

// One question; view may be NULL.
MUST_USE bool rekey_ask(struct rekey *rekey, enum statement statement, const struct str *params,
                        size_t count, const struct json_view **view, struct err *err);
