// proofs: checks that a request for a number comes from the gateway that shares the number's secret
// with us.
//
//   signed                       the signature must be valid if the number has a secret (secrets/signature.h)
//   not signed                   401 if the number has a secret and the key is a gateway's own; keys that act for
//                                a cluster post as they did before there were signatures
//   the number has no secret     signed or not, it is accepted
//
// A receipt that names no number of ours is checked with the secret of its message's number. If its
// message is not known yet, it may be about any number that has a secret: 64 of them are tried. If
// there are more and none matches, it gets 503: its message may become known before it is repeated.
//
// The secrets of at most a thousand numbers are cached for five seconds, and dropped when the
// database reports a change. Before a request is refused the database is asked again, so that a new
// secret does not count as a wrong one.
// docs/decisions/0039-a-number-with-a-secret-believes-what-is-signed.md.
#pragma once

#include "base/str.h"

struct keyring;
struct proofs;
struct task;

struct proofs *proofs_new(struct keyring *ring);
void proofs_free(struct proofs **proofs);
// The numbers of this contact center changed; absent: possibly those of all.
void proofs_forget(struct proofs *proofs, struct str tenant);

// struct service_def, before_batch. The service is an sms-worker.
void proofs_check(struct task *task);
