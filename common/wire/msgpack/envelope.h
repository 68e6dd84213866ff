// envelope: the data that every request has beside its payload. It evolves by the rule for payloads
// (message.h): a msgpack array to which elements are only appended; unknown ones are skipped.
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "wire/message.h"

enum { BUS_PROTOCOL = 1 };

// The caller, as the gateway identified it; workers trust it because only gateways own the bus.
struct principal {
    uint32_t tenant; // surrogate; 0: an operator who acts for all
    uint32_t key;    // which key, for the audit trail
    struct str name; // the caller's display name: shown to agents, stored with its actions
};

// The signature headers of a request, which prove that it comes from the gateway that shares a
// secret with one of our numbers; absent: not sent. The process that has the secret checks them
// (secrets/signature.h).
enum proof_packing { PROOF_PLAIN, PROOF_GZIP, PROOF_DEFLATE };
struct proof {
    bool is_demanded; // the caller must sign if the number has a secret
    bool is_partial;  // a value that matters is outside of the body, where no signature covers it
    bool is_cut; // the body is not included; it is stored, or was too long for the sending build
    struct str hub_sha1, hub_sha256;    // X-Hub-Signature, X-Hub-Signature-256
    struct str id, timestamp, standard; // webhook-id, webhook-timestamp, webhook-signature
    struct str body;                    // byte for byte, as it came; absent where nothing signs it
    struct str inflated;                // for a compressed body, the inflated one; absent otherwise
    // Of a body that came in pieces: the upload whose first stream has them, their bytes together,
    // and how they are compressed.
    struct id stored; // none: it did not come in pieces
    uint32_t stored_bytes, packing;
};

static inline bool proof_is_shown(const struct proof *proof)
{
    return str_present(proof->hub_sha1) || str_present(proof->hub_sha256) ||
           str_present(proof->standard);
}

struct envelope {
    uint64_t request; // chosen by the gateway; unique among its requests in flight
    enum message_id message;
    struct principal principal;
    uint64_t partition;   // rendezvous placement; 0: anywhere
    struct id operation;  // operationId, echoed or minted
    uint32_t deadline_ms; // how long the gateway still waits, from the moment of sending
    struct str traceparent;
    struct str idempotency_key; // absent: none
    struct id fingerprint;      // of method, path and body; none without a key
    // For administrative changes, for the audit log; absent otherwise.
    struct str credential; // key, token or session
    struct str address;    // the client's
    struct proof proof;
    // For conditional writes (If-Match, If-None-Match); absent otherwise.
    struct str if_match, if_none_match;
};

// All its strings, absent ones too: to copy them when an envelope outlives what they point into.
enum { ENVELOPE_TEXTS = 14 };
void envelope_texts(struct envelope *envelope, struct str *texts[static ENVELOPE_TEXTS]);

void envelope_encode(const struct envelope *envelope, struct buf *out);
// Reads one encoded envelope that fills bytes exactly. Strings point into bytes. A message that
// this build does not know leaves MSG_COUNT in message, so that the request can be answered.
MUST_USE bool envelope_decode(struct str bytes, struct envelope *envelope, struct err *err);
