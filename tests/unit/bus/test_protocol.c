#include "bus/protocol.h"

#include "base/random.h"
#include "tests/unit/rows.h"

static struct bus_frame read_back(struct bus_reader *reader, const struct buf *frame)
{
    struct bus_frame read;
    struct err err = {0};

    cr_assert(bus_read(reader, buf_str(frame), &read, &err), "%s", err.text);
    return read;
}

Test(protocol, hello_contains_identity_and_credit)
{
    AUTO(buf) frame = {0};
    struct bus_reader *reader = bus_reader_new();
    const struct bus_hello hello = {.service = SERVICE_SMS,
                                    .instance = STR("sms-worker-0"),
                                    .build = STR("abc"),
                                    .incarnation = UINT64_MAX,
                                    .credit_messages = 256,
                                    .credit_bytes = 4194304};

    bus_write_hello(&frame, &hello);
    struct bus_frame read = read_back(reader, &frame);

    cr_assert(eq(int, read.type, BUS_HELLO));
    cr_assert(not(read.bare));
    cr_assert(eq(int, read.hello.service, SERVICE_SMS));
    cr_assert(str_equal(read.hello.instance, STR("sms-worker-0")));
    cr_assert(eq(u64, read.hello.incarnation, UINT64_MAX));
    cr_assert(eq(u32, read.hello.credit_bytes, 4194304));
    bus_reader_free(&reader);
}

Test(protocol, many_replies_travel_in_one_frame)
{
    AUTO(buf) frame = {0};
    AUTO(bus_list) list = {0};
    struct bus_reader *reader = bus_reader_new();

    bus_list_reply(&list, 7, ERR_OK, STR("{\"a\":1}"));
    bus_list_reply(&list, UINT64_MAX, ERR_BUSY, STR(""));
    bus_list_frame(&list, BUS_REPLY, &frame);
    struct bus_frame read = read_back(reader, &frame);

    cr_assert(eq(sz, read.count, 2));
    cr_assert(eq(u64, read.items[0].reply.request, 7));
    cr_assert(str_equal(read.items[0].reply.payload, STR("{\"a\":1}")));
    cr_assert(eq(u64, read.items[1].reply.request, UINT64_MAX));
    cr_assert(eq(int, read.items[1].reply.code, ERR_BUSY));
    bus_reader_free(&reader);
}

Test(protocol, requests_carry_envelope_and_payload_untouched)
{
    AUTO(buf) frame = {0};
    AUTO(bus_list) list = {0};
    struct bus_reader *reader = bus_reader_new();
    struct envelope decoded;
    struct err err;
    const struct envelope envelope = {
        .request = 9, .message = MSG_SMS_INBOUND, .principal = {.tenant = 3}, .deadline_ms = 2000};

    bus_list_request(&list, &envelope, STR("\x93\x01\x02\x03"));
    bus_list_frame(&list, BUS_REQUEST, &frame);
    struct bus_frame read = read_back(reader, &frame);

    cr_assert(eq(sz, read.count, 1));
    cr_assert(envelope_decode(read.items[0].request.envelope, &decoded, &err));
    cr_assert(eq(u64, decoded.request, 9));
    cr_assert(eq(u32, decoded.principal.tenant, 3));
    cr_assert(str_equal(read.items[0].request.payload, STR("\x93\x01\x02\x03")));
    bus_reader_free(&reader);
}

Test(protocol, a_destination_rings_once_in_a_round)
{
    AUTO(buf) frame = {0};
    struct bus_bells bells = {0};
    struct bus_reader *reader = bus_reader_new();

    for (uint32_t i = 0; i < 3 * BUS_BELLS_LIMIT; i++)
        bus_bells_add(&bells, i % 5);
    bus_write_bells(&frame, &bells);
    struct bus_frame read = read_back(reader, &frame);

    cr_assert(eq(int, read.type, BUS_DOORBELL));
    cr_assert(eq(sz, read.count, 5));
    cr_assert(eq(u32, read.items[4].destination, 4));
    bus_reader_free(&reader);
}

Test(protocol, a_list_is_full_before_its_frame_exceeds_the_limit)
{
    AUTO(buf) frame = {0};
    AUTO(bus_list) list = {0};
    static char large[300 * 1024];

    while (bus_list_has_room(&list, sizeof large))
        bus_list_reply(&list, 1, ERR_OK, str_make(large, sizeof large));
    bus_list_frame(&list, BUS_REPLY, &frame);

    cr_assert(eq(u32, list.count, 3));
    cr_assert(le(sz, frame.len, (size_t)BUS_FRAME_LIMIT));
}

// clang-format off
static const struct hostile_row {
    const char *name;
    struct str bytes;
} hostile_rows[] = {
    {"empty",                             STR_INIT("")},
    {"not an array",                      STR_INIT("\x01")},
    {"an array that claims gigabytes",    STR_INIT("\xdd\xff\xff\xff\xff")},
    {"a map that claims gigabytes",       STR_INIT("\x93\x01\x02\xdf\xff\xff\xff\xff")},
    {"a text longer than the frame",      STR_INIT("\x93\x01\x01\xdb\xff\xff\xff\xff")},
    {"only a protocol",                   STR_INIT("\x91\x01")},
    {"another protocol",                  STR_INIT("\x92\x02\x03")},
    {"an unknown type",                   STR_INIT("\x92\x01\x63")},
    {"type 0",                            STR_INIT("\x92\x01\x00")},
    {"a type that is text",               STR_INIT("\x92\x01\xa1x")},
    {"a negative type",                   STR_INIT("\x92\x01\xff")},
    {"HELLO without credit",              STR_INIT("\x98\x01\x01\xaasms-worker\xa1i\x01\xa1" "b\x00\x00")},
    {"HELLO of an unknown service",       STR_INIT("\x98\x01\x01\xa1x\xa1i\x01\xa1" "b\x01\x01")},
    {"HELLO without a name",              STR_INIT("\x98\x01\x01\xaasms-worker\xa0\x01\xa1" "b\x01\x01")},
    {"REPLY that is no list",             STR_INIT("\x93\x01\x02\x01")},
    {"REPLY of two fields",               STR_INIT("\x93\x01\x02\x91\x92\x01\xa2ok")},
    {"REPLY with a number as code",       STR_INIT("\x93\x01\x02\x91\x93\x01\x00\xc4\x00")},
    {"REPLY whose payload is text",       STR_INIT("\x93\x01\x02\x91\x93\x01\xa2ok\xa0")},
    {"REQUEST of one field",              STR_INIT("\x93\x01\x09\x91\x91\xc4\x00")},
    {"DOORBELL with a negative number",   STR_INIT("\x93\x01\x07\x91\xff")},
    {"HEARTBEAT with a number as flag",   STR_INIT("\x95\x01\x03\x01\x01\x01")},
    {"HEARTBEAT whose queues are text",   STR_INIT("\x96\x01\x03\x01\xc2\xc2\xa1x")},
    {"HEARTBEAT with a queue of no age",  STR_INIT("\x96\x01\x03\x01\xc2\xc2\x91\x92\xa1x\x01")},
    {"HEARTBEAT with a negative depth",   STR_INIT("\x96\x01\x03\x01\xc2\xc2\x91\x93\xa1x\xff\x01")},
    {"HEARTBEAT with a NUL in a name",    STR_INIT("\x96\x01\x03\x01\xc2\xc2\x91\x93\xa1\x00\x01\x01")},
    {"HEARTBEAT with a queue's long name", STR_INIT("\x96\x01\x03\x01\xc2\xc2\x91\x93\xd9\x20xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\x01\x01")},
    {"HEARTBEAT with half a reason",      STR_INIT("\x97\x01\x03\x01\xc2\xc2\x90\x91\x91\xa1x")},
    {"bytes after the frame",             STR_INIT("\x92\x01\x05\x00")},
    {"an ext type",                       STR_INIT("\x93\x01\x02\xd4\x01\x00")},
};
// clang-format on

ROWS_TEST(protocol, refuses_malformed_frames, hostile_rows)
{
    struct bus_reader *reader = bus_reader_new();
    struct bus_frame frame;
    struct err err;

    cr_assert(not(bus_read(reader, row->bytes, &frame, &err)), "%s", row->name);
    bus_reader_free(&reader);
}

Test(protocol, skips_fields_that_a_later_build_appends)
{
    struct bus_reader *reader = bus_reader_new();
    struct bus_frame frame;
    struct err err;

    cr_assert(bus_read(reader, STR("\x98\x01\x03\x05\xc3\xc2\x90\x90\xa5later"), &frame, &err));

    cr_assert(eq(u32, frame.heartbeat.load, 5));
    cr_assert(frame.heartbeat.db_ready);
    bus_reader_free(&reader);
}

Test(protocol, a_heartbeat_contains_the_reasons_of_health_and_newer_ones_are_ignored)
{
    AUTO(buf) frame = {0};
    struct bus_reader *reader = bus_reader_new();
    struct bus_heartbeat beat = {.db_ready = true};
    struct bus_frame other;
    struct err err;

    health_reasons_add(&beat.reasons, HEALTH_DB_FULL, "SQLSTATE 53100");
    bus_write_heartbeat(&frame, &beat);
    struct bus_frame read = read_back(reader, &frame);

    cr_assert(health_reasons_equal(&read.heartbeat.reasons, &beat.reasons));
    cr_assert(
        bus_read(reader, STR("\x97\x01\x03\x01\xc2\xc2\x90\x91\x92\xa1x\xa1y"), &other, &err));
    cr_assert(eq(sz, other.heartbeat.reasons.count, 0));
    bus_reader_free(&reader);
}

Test(protocol, a_heartbeat_contains_the_queues)
{
    AUTO(buf) frame = {0};
    struct bus_reader *reader = bus_reader_new();
    const struct bus_queue queues[] = {{.name = "deliveries", .depth = 7, .oldest_ms = 1500},
                                       {.name = "calls"}};

    bus_write_heartbeat(&frame, &(struct bus_heartbeat){.load = 2,
                                                        .db_ready = true,
                                                        .queues = queues,
                                                        .queue_count = COUNT_OF(queues)});
    struct bus_frame read = read_back(reader, &frame);

    cr_assert(eq(sz, read.heartbeat.queue_count, 2));
    cr_assert(eq(str, (char *)read.heartbeat.queues[0].name, "deliveries"));
    cr_assert(eq(u64, read.heartbeat.queues[0].depth, 7));
    cr_assert(eq(u64, read.heartbeat.queues[0].oldest_ms, 1500));
    cr_assert(eq(str, (char *)read.heartbeat.queues[1].name, "calls"));
    bus_reader_free(&reader);
}

Test(protocol, accepts_the_heartbeat_of_a_build_without_queues)
{
    struct bus_reader *reader = bus_reader_new();
    struct bus_frame frame;
    struct err err;

    cr_assert(bus_read(reader, STR("\x95\x01\x03\x05\xc3\xc2"), &frame, &err));

    cr_assert(frame.heartbeat.db_ready);
    cr_assert(eq(sz, frame.heartbeat.queue_count, 0));
    bus_reader_free(&reader);
}

Test(protocol, reads_an_unknown_error_name_as_an_internal_error)
{
    struct bus_reader *reader = bus_reader_new();
    struct bus_frame frame;
    struct err err;

    cr_assert(bus_read(reader, STR("\x93\x01\x02\x91\x93\x01\xa3new\xc4\x00"), &frame, &err));

    cr_assert(eq(int, frame.items[0].reply.code, ERR_INTERNAL));
    bus_reader_free(&reader);
}

Test(protocol, survives_mutated_frames)
{
    enum { ROUNDS = 50000 };
    AUTO(buf) frame = {0};
    AUTO(bus_list) list = {0};
    struct bus_reader *reader = bus_reader_new();
    struct random random = {.state = 2026};
    struct bus_frame read;
    struct err err;

    for (int i = 0; i < 5; i++)
        bus_list_reply(&list, (uint64_t)i, ERR_OK, STR("{}"));
    for (int i = 0; i < ROUNDS; i++) {
        bus_list_frame(&list, BUS_REPLY, &frame);
        for (uint64_t changes = 1 + random_below(&random, 4); changes > 0; changes--)
            frame.data[random_below(&random, frame.len)] = (char)random_next(&random);
        frame.len -= random_below(&random, 3);
        if (bus_read(reader, buf_str(&frame), &read, &err))
            cr_assert(le(sz, read.count, BUS_ITEMS_LIMIT));
    }
    bus_reader_free(&reader);
}
