// stored_proof: checks the signature of a body that came in pieces (proof.stored). Its pieces are
// read back, a few at a time, and go through one HMAC for each secret and signature, so only a few
// pieces are in memory at a time, however long the body is.
//
//   stored_proof_check() → a place, or a wait for one → pieces, pieces … → judged → told
//
// The pieces stay until the gateway has answered the request and drops them
// (gateway/attachments/upload.h): if this process dies before its batch commits, the worker that
// gets the request next reads them again.
//
// A compressed body may be signed as it came or as it is when inflated; both are computed at once.
#pragma once

#include "base/str.h"

#include <stdbool.h>

struct service;
struct stored_proofs;
struct task;

enum stored_verdict { STORED_RIGHT, STORED_WRONG, STORED_UNREADABLE };
typedef void stored_judged_fn(struct task *task, enum stored_verdict verdict);

struct stored_proofs *stored_proofs_new(void);
void stored_proofs_free(struct stored_proofs **all); // no check may be out
// told runs later, exactly once. The secrets are not needed after this returns.
void stored_proof_check(struct stored_proofs *all, struct task *task, const struct str *secrets,
                        size_t count, stored_judged_fn *told);
