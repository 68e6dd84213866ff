// signature: signs our webhooks, and checks the signatures of requests to us. Pure functions over
// the exact bytes that are sent.
//
// X-Hub-Signature (HMAC-SHA-1) is for existing gateways; X-Hub-Signature-256 and the three headers
// of Standard Webhooks 1.0 (webhook-id, -timestamp, -signature) are for new ones. While a secret is
// being replaced, webhook-signature carries one signature for each; the hub headers, which hold
// one, are made with the current secret.
#pragma once

#include "base/buf.h"
#include "base/str.h"
#include "wire/msgpack/envelope.h"

#include <stdint.h>

// "sha1=" and lower-case hex.
void signature_hub_sha1(struct str secret, struct str body, struct buf *out);
// "sha256=" and lower-case hex.
void signature_hub_sha256(struct str secret, struct str body, struct buf *out);
// "v1," base64 (HMAC-SHA-256 (key, id "." timestamp "." body)) for each secret, separated by
// blanks. A secret of the form whsec_… is base64 of the key; any other is the key itself.
void signature_standard(const struct str *secrets, size_t secret_count, struct str id,
                        int64_t timestamp_s, struct str body, struct buf *out);
// The text that is signed, for people who debug a signature.
void signature_standard_text(struct str id, int64_t timestamp_s, struct str body, struct buf *out);

// Checks a request. It must have at least one signature, and each one must be valid under one of
// the secrets; one that is not makes the request invalid. Hex may be of either case.
// webhook-signature may hold several signatures, of which one "v1," must be valid; its timestamp
// may differ from now by SIGNATURE_SKEW_S. A compressed body may be signed as it came or as it is
// when inflated. In constant time for what is secret.
enum { SIGNATURE_SKEW_S = 300 };
MUST_USE bool signature_holds(const struct proof *proof, const struct str *secrets, size_t count,
                              int64_t now_s);

// The same of a body that comes piece by piece. proof is read by new and end and must show the
// same.
struct signature_check;
struct signature_check *signature_check_new(const struct proof *proof, const struct str *secrets,
                                            size_t count);
void signature_check_add(struct signature_check *check, struct str bytes);
MUST_USE bool signature_check_end(struct signature_check **check, const struct proof *proof,
                                  int64_t now_s);
void signature_check_free(struct signature_check **check); // without a result; *check may be NULL
