// An envelope that was read can be written, and is read again as the same.
#include "tests/fuzz/fuzz.h"

#include "wire/msgpack/envelope.h"

FUZZ(bytes)
{
    struct envelope envelope, again;
    struct err err;
    AUTO(buf) out = {0};

    if (!envelope_decode(bytes, &envelope, &err) || !message_type(envelope.message))
        return;
    envelope_encode(&envelope, &out);
    ASSERT(envelope_decode(buf_str(&out), &again, &err));
    ASSERT(again.request == envelope.request && again.message == envelope.message);
    ASSERT(again.principal.tenant == envelope.principal.tenant);
    ASSERT(again.principal.key == envelope.principal.key);
    ASSERT(str_equal(again.principal.name, envelope.principal.name));
    ASSERT(again.partition == envelope.partition && again.deadline_ms == envelope.deadline_ms);
    ASSERT(id_equal(again.operation, envelope.operation));
    ASSERT(str_equal(again.traceparent, envelope.traceparent));
    ASSERT(str_equal(again.idempotency_key, envelope.idempotency_key));
    if (!proof_is_shown(&envelope.proof) && !envelope.proof.is_demanded)
        return;
    ASSERT(again.proof.is_demanded == envelope.proof.is_demanded);
    ASSERT(str_equal(again.proof.standard, envelope.proof.standard));
    ASSERT(str_equal(again.proof.body, envelope.proof.body));
}
