// signature: how a webhook shows who sent it. Always over the exact bytes sent.
//
//   X-Hub-Signature: sha1=<hex>           HMAC-SHA-1 (secret, body)
//   X-Hub-Signature-256: sha256=<hex>     HMAC-SHA-256 (secret, body)
//   webhook-signature: v1,<base64>        HMAC-SHA-256 (key, id "." timestamp "." body), as
//   Standard
//                                         Webhooks has it; while a secret is rotated several values
//                                         stand there, a blank between them
//
// A secret that begins with whsec_ is base64 to Standard Webhooks; any other is its bytes.
#pragma once

#include "base/buf.h"
#include "base/str.h"

// Each appends the header's value.
void signature_sha1(struct buf *out, struct str secret, struct str body);
void signature_sha256(struct buf *out, struct str secret, struct str body);
void signature_standard(struct buf *out, struct str secret, struct str id, struct str timestamp,
                        struct str body);
// What signature_standard() signs.
void signature_standard_text(struct buf *out, struct str id, struct str timestamp, struct str body);
