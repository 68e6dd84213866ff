// idempotency: what a request with an Idempotency-Key adds to the transaction of its effect.
//
//   idempotency_claim    a guard before the effect: raises ERR_REPLAYED if the request was done
//                        before (then its answer is read), ERR_KEY_REUSED if the key stands for
//                        another request, ERR_STILL_RUNNING while the first is not finished
//   the effect           in the form that keeps its answer (statement_keeping())
//
// So effect and answer are committed together or not at all, and a request without a key costs
// nothing extra. An error is not stored, so a repetition tries again. See
// db/functions/requests/idempotency.sql.
#pragma once

#include "base/id.h"
#include "base/str.h"
#include "io/pg/pg.h"

#include <stdint.h>

struct idempotency {
    uint32_t tenant; // whose keys these are; 0: of those who act for all
    struct str key;  // absent: none
    struct id fingerprint;
    struct str secret; // sealed: kept beside the answer; absent: none
};

// The parameters of the guard. Row i of the effect is of request i; NULL: it has no key.
void idempotency_claim_bind(struct pg_params *params, const struct idempotency *const *requests,
                            size_t count);
// The parameters of the query for the stored answer.
void idempotency_read_bind(struct pg_params *params, const struct idempotency *request);
