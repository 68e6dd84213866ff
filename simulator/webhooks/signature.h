// signature: whether a webhook was signed with the channel's secret. Pure.
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct signed_webhook {
    struct str body;
    struct str hub;     // X-Hub-Signature: "sha1=<hex>"; required
    struct str hub_256; // X-Hub-Signature-256: "sha256=<hex>"; must be valid if present
    // Standard Webhooks; checked if webhook-signature is present: a list of "v1,<base64>" of which
    // one must match, the id, and seconds since 1970 within 300 s of now.
    struct str webhook_id, webhook_timestamp, webhook_signature;
};

bool signature_is_good(const struct signed_webhook *webhook, struct str secret, int64_t now_s);
