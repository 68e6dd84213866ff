#include "wire/msgpack/envelope.h"

#include "base/random.h"
#include "rows.h"

static const struct envelope sample = {
    .request = UINT64_MAX,
    .message = MSG_SMS_INBOUND,
    .principal = {.tenant = 7, .key = UINT32_MAX, .name = STR_INIT("Ann, Support")},
    .partition = 1,
    .operation = {.bytes = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
    .deadline_ms = 10000,
    .traceparent = STR_INIT("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    .idempotency_key = STR_INIT(""),
    .fingerprint = {.bytes = {[15] = 1}},
    .credential = STR_INIT("session"),
    .address = STR_INIT("192.0.2.7"),
    .if_match = STR_INIT("\"0123\""),
    .if_none_match = STR_INIT("*"),
};

Test(envelope, is_read_as_it_was_written)
{
    struct envelope envelope;
    struct err err = {0};
    AUTO(buf) bytes = {0};

    envelope_encode(&sample, &bytes);
    cr_assert(envelope_decode(buf_str(&bytes), &envelope, &err), "%s", err.text);

    cr_assert(eq(u64, envelope.request, sample.request));
    cr_assert(eq(int, envelope.message, sample.message));
    cr_assert(eq(u32, envelope.principal.tenant, sample.principal.tenant));
    cr_assert(eq(u32, envelope.principal.key, sample.principal.key));
    cr_assert(str_equal(envelope.principal.name, sample.principal.name));
    cr_assert(eq(u64, envelope.partition, sample.partition));
    cr_assert(id_equal(envelope.operation, sample.operation));
    cr_assert(eq(u32, envelope.deadline_ms, sample.deadline_ms));
    cr_assert(str_equal(envelope.traceparent, sample.traceparent));
    cr_assert(str_present(envelope.idempotency_key));
    cr_assert(id_equal(envelope.fingerprint, sample.fingerprint));
    cr_assert(str_equal(envelope.credential, sample.credential));
    cr_assert(str_equal(envelope.address, sample.address));
    cr_assert(str_equal(envelope.if_match, sample.if_match));
    cr_assert(str_equal(envelope.if_none_match, sample.if_none_match));
}

Test(envelope, carries_a_proof_byte_for_byte)
{
    struct envelope signed_one = sample, envelope;
    struct err err = {0};
    AUTO(buf) bytes = {0};

    signed_one.proof = (struct proof){.is_demanded = true,
                                      .hub_sha1 = STR("sha1=\xFF"),
                                      .standard = STR(""),
                                      .body = str_make("a\0b", 3),
                                      .stored = {.bytes = {1, 2, 3}},
                                      .stored_bytes = 7000000,
                                      .packing = PROOF_DEFLATE};
    envelope_encode(&signed_one, &bytes);
    cr_assert(envelope_decode(buf_str(&bytes), &envelope, &err), "%s", err.text);

    cr_assert(envelope.proof.is_demanded);
    cr_assert(not(envelope.proof.is_partial));
    cr_assert(str_equal(envelope.proof.hub_sha1, signed_one.proof.hub_sha1));
    cr_assert(not(str_present(envelope.proof.hub_sha256)));
    cr_assert(str_present(envelope.proof.standard));
    cr_assert(str_equal(envelope.proof.body, signed_one.proof.body));
    cr_assert(not(str_present(envelope.proof.inflated)));
    cr_assert(id_equal(envelope.proof.stored, signed_one.proof.stored));
    cr_assert(eq(u32, envelope.proof.stored_bytes, 7000000));
    cr_assert(eq(u32, envelope.proof.packing, PROOF_DEFLATE));
}

Test(envelope, keeps_absent_fields_absent)
{
    const struct envelope bare = {.message = MSG_CALLER_LOOKUP};
    struct envelope envelope;
    struct err err;
    AUTO(buf) bytes = {0};

    envelope_encode(&bare, &bytes);
    cr_assert(envelope_decode(buf_str(&bytes), &envelope, &err));

    cr_assert(not(str_present(envelope.principal.name)));
    cr_assert(not(str_present(envelope.traceparent)));
    cr_assert(not(str_present(envelope.idempotency_key)));
    cr_assert(id_is_none(envelope.fingerprint));
    cr_assert(id_is_none(envelope.operation));
}

// A newer gateway sends members and messages that this build does not know.
Test(envelope, skips_an_unknown_tail)
{
    struct envelope envelope;
    struct err err;
    AUTO(buf) bytes = {0};
    AUTO(buf) longer = {0};

    envelope_encode(&sample, &bytes);
    // An array with 16 bits of length, of one element more.
    buf_str_append(&longer, buf_str(&bytes));
    longer.data[2]++;
    buf_append(&longer, "\xA5later", 6);

    cr_assert(envelope_decode(buf_str(&longer), &envelope, &err));
    cr_assert(eq(u64, envelope.request, sample.request));
}

Test(envelope, an_unknown_message_can_still_be_answered)
{
    struct envelope envelope;
    struct err err;
    AUTO(buf) bytes = {0};

    envelope_encode(&sample, &bytes);
    char *name = memmem(bytes.data, bytes.len, "sms.inbound", 11);
    memcpy(name, "sms.upbound", 11);

    cr_assert(envelope_decode(buf_str(&bytes), &envelope, &err));
    cr_assert(eq(u64, envelope.request, sample.request));
    cr_assert(eq(ptr, (void *)message_type(envelope.message), NULL));
}

Test(envelope, a_missing_tail_is_absent_but_a_missing_request_is_an_error)
{
    struct envelope envelope;
    struct err err;
    AUTO(buf) bytes = {0};

    envelope_encode(&sample, &bytes);
    bytes.data[2] = 8; // traceparent and idempotency key are gone
    bytes.len = (size_t)((char *)memmem(bytes.data, bytes.len, "\xD9\x37", 2) - bytes.data);
    cr_assert(envelope_decode(buf_str(&bytes), &envelope, &err));
    cr_assert(not(str_present(envelope.traceparent)));

    cr_assert(not(envelope_decode(STR("\x90"), &envelope, &err)));
}

// Whatever byte is broken, the envelope is read or refused, and a refusal leaves the output alone.
Test(envelope, survives_any_broken_byte)
{
    struct random random = {.state = 11};
    AUTO(buf) bytes = {0};

    for (int round = 0; round < 20000; round++) {
        struct envelope envelope = {.request = 12345};
        struct err err;
        buf_clear(&bytes);
        envelope_encode(&sample, &bytes);
        bytes.data[random_below(&random, bytes.len)] = (char)random_next(&random);
        bytes.len -= random_below(&random, 3);
        if (!envelope_decode(buf_str(&bytes), &envelope, &err))
            cr_assert(eq(u64, envelope.request, 12345));
    }
}
