// envelope: what every request carries beside its payload. Same evolution rule as payloads
// (message.h): a msgpack array, appended to only, unknown tail skipped.
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "wire/message.h"

enum { BUS_PROTOCOL = 1 };

// Who asks, as the gateway found out; workers trust it because only gateways hold the bus.
struct principal {
    uint32_t tenant; // surrogate; 0: an operator who acts for all
    uint32_t key;    // which key, for the audit trail
    struct str name; // what people call the holder: shown to agents, stored with what it does
};

// What a request shows to prove that it comes from the gateway that shares a secret with a number of ours, as
// its headers have it; absent: not sent. The one who has the secret judges it (store/signature.h).
enum proof_packing { PROOF_PLAIN, PROOF_GZIP, PROOF_DEFLATE };
struct proof {
    bool is_demanded; // who asks may not go without where the number has a secret
    bool is_partial;  // something that counts stands beside the body, where no signature covers it
    bool
        is_cut; // the body is not in here; it is stored, or was too long for the build that sent this
    struct str hub_sha1, hub_sha256;    // X-Hub-Signature, X-Hub-Signature-256
    struct str id, timestamp, standard; // webhook-id, webhook-timestamp, webhook-signature
    struct str body;                    // byte for byte, as it came; absent where nothing signs it
    struct str inflated;                // of one that came compressed, what it is; absent otherwise
    // The body came in pieces: where they are (the first stream of an upload of its own), how many bytes, and how packed.
    struct id stored; // none: it did not
    uint32_t stored_bytes, packing;
};

static inline bool proof_is_shown(const struct proof *proof)
{
    return str_present(proof->hub_sha1) || str_present(proof->hub_sha256) ||
           str_present(proof->standard);
}

struct envelope {
    uint64_t request; // chosen by the gateway, unique among its requests in flight
    enum message_id message;
    struct principal principal;
    uint64_t partition;   // rendezvous placement; 0: anywhere
    struct id operation;  // operationId, echoed or minted
    uint32_t deadline_ms; // how long the gateway still waits, from the moment of sending
    struct str traceparent;
    struct str idempotency_key; // absent: none
    struct id fingerprint;      // of method, path and body; none without a key
    // Of what changes something for administrators, for the audit log; absent otherwise.
    struct str credential; // key, token or session
    struct str address;    // the client's
    struct proof proof;
    // Of what is written only as long as nobody else changed it; absent otherwise.
    struct str if_match, if_none_match;
};

// All its strings, absent ones too, for whoever keeps an envelope longer than what they point into.
enum { ENVELOPE_TEXTS = 14 };
void envelope_texts(struct envelope *envelope, struct str *texts[static ENVELOPE_TEXTS]);

void envelope_encode(const struct envelope *envelope, struct buf *out);
// Reads one encoded envelope that fills bytes exactly. Strings point into bytes. A message that
// this build does not know leaves MSG_COUNT in message, so that the request can be answered.
MUST_USE bool envelope_decode(struct str bytes, struct envelope *envelope, struct err *err);
