// failpoint: named places where a test may make the process die, hang or fail, compiled into every
// build and idle unless NEXUS_FAILPOINTS names them:
//
//   NEXUS_FAILPOINTS="sms.after_commit=kill:0.01;db.before_send=hang:0.5"   NEXUS_FAILPOINT_SEED=7
//
//   action   kill  SIGKILL to itself, as an out-of-memory killer would
//            hang  SIGSTOP to itself
//            fail  failpoint() returns true and the caller behaves as if the step had failed
//   number   the probability each time the place is passed; 1 if left out
//
// The seed is logged at start; the same seed and the same order of passing give the same run.
#pragma once

#include "base/err.h"

#include <stdbool.h>

// Reads both variables. An unknown action or a malformed rule is an error, a name that no code
// passes is not. Up to 16 rules.
MUST_USE bool failpoints_init(struct err *err);

extern bool failpoints_armed; // set once by failpoints_init()
bool failpoint_hit(const char *name);

// Costs one predictable branch while unarmed.
static inline bool failpoint(const char *name)
{
    return failpoints_armed && failpoint_hit(name);
}
