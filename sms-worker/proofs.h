// proofs: does what comes to a number come from the gateway that shares the number's secret with us?
//
//   a signature came             it must be right where the number has a secret (store/signature.h)
//   none came                    401 where the number has a secret and the key is a gateway's own; keys that act for
//                                a cluster post as they did before there were signatures
//   the number has no secret     whatever came is taken
//
// A receipt that names no number of ours is judged by the secret of its message's number. Where nobody knows its message yet,
// it may be about any number that has a secret: 64 of them are tried. Where there are more and none is right, it gets 503: its
// message may become known before it comes again.
//
// Secrets are remembered, of a thousand numbers at most and for five seconds, and forgotten when the database tells
// that they changed. Before anybody is refused the database is asked again, so that no new secret is taken for a
// wrong one. docs/decisions/0039-a-number-with-a-secret-believes-what-is-signed.md.
#pragma once

#include "base/str.h"

struct keyring;
struct proofs;
struct task;

struct proofs *proofs_new(struct keyring *ring);
void proofs_free(struct proofs **proofs);
// The numbers of this contact center changed; absent: those of all, perhaps.
void proofs_forget(struct proofs *proofs, struct str tenant);

// struct service_def, before_batch. The service is an sms-worker.
void proofs_check(struct task *task);
