#include "wire/message.h"

#include "base/random.h"
#include "rows.h"
#include "text/phone.h"

Test(service, is_found_by_its_name)
{
    for (int i = 0; i < SERVICE_COUNT; i++) {
        enum service_id service;
        cr_assert(service_parse(service_name((enum service_id)i), &service));
        cr_assert(eq(int, service, i));
    }
    cr_assert(not(service_parse(STR("gateway"), &(enum service_id){0})));
}

Test(message, is_found_by_its_name)
{
    for (int i = 0; i < MSG_COUNT; i++)
        cr_assert(eq(int, message_named(message_type((enum message_id)i)->name), i));
    cr_assert(eq(int, message_named(STR("no.such")), MSG_COUNT));
    cr_assert(eq(ptr, (void *)message_type(MSG_COUNT), NULL));
}

// A message whose smallest value is above its largest, or whose fields do not fit its payload, could
// not be sent.
Test(message, declarations_are_consistent)
{
    for (int i = 0; i < MSG_COUNT; i++) {
        const struct message_type *type = message_type((enum message_id)i);
        for (size_t f = 0; f < type->field_count; f++) {
            const struct message_field *field = &type->fields[f];
            cr_assert(le(u32, field->minimum, field->maximum), "%s", field->name);
            if (field->type == FIELD_KIND_str || field->type == FIELD_KIND_json ||
                field->type == FIELD_KIND_bytes)
                cr_assert(lt(sz, field->maximum, type->limit), "%s", field->name);
        }
    }
}

static struct str random_letters(struct random *random, struct arena *arena, size_t minimum,
                                 size_t maximum)
{
    size_t limit = maximum < 100 ? maximum : 100;
    size_t length =
        minimum + random_below(random, (limit < minimum ? minimum : limit) - minimum + 1);
    char *text = arena_alloc(arena, length + 1);

    for (size_t i = 0; i < length; i++)
        text[i] = (char)('a' + random_below(random, 26));
    return str_make(text, length);
}

static void random_field(const struct message_field *field, void *value, struct random *random,
                         struct arena *arena)
{
    if (field->presence != REQUIRED && random_below(random, 3) == 0)
        return;
    switch (field->type) {
    case FIELD_KIND_str:
    case FIELD_KIND_json:
    case FIELD_KIND_bytes:
        *(struct str *)value = random_letters(random, arena, field->minimum, field->maximum);
        break;
    case FIELD_KIND_phone:
    case FIELD_KIND_sender:
        *(struct str *)value =
            arena_printf(arena, "+%llu", 10000000ULL + random_next(random) % 99999999999ULL);
        break;
    case FIELD_KIND_id: *(struct id *)value = id_new(); break;
    case FIELD_KIND_u32:
        *(uint32_t *)value =
            field->minimum +
            (uint32_t)random_below(random, (uint64_t)field->maximum - field->minimum + 1);
        break;
    case FIELD_KIND_flag: *(bool *)value = random_below(random, 2); break;
    }
}

static void *random_message(const struct message_type *type, struct random *random,
                            struct arena *arena)
{
    char *message = arena_alloc(arena, type->size);
    for (size_t i = 0; i < type->field_count; i++)
        random_field(&type->fields[i], message + type->fields[i].offset, random, arena);
    return message;
}

static bool values_equal(enum field_type type, const void *a, const void *b)
{
    switch (type) {
    case FIELD_KIND_str:
    case FIELD_KIND_phone:
    case FIELD_KIND_sender:
    case FIELD_KIND_json:
    case FIELD_KIND_bytes:
        return str_equal(*(const struct str *)a, *(const struct str *)b) &&
               str_present(*(const struct str *)a) == str_present(*(const struct str *)b);
    case FIELD_KIND_id: return id_equal(*(const struct id *)a, *(const struct id *)b);
    case FIELD_KIND_u32: return *(const uint32_t *)a == *(const uint32_t *)b;
    case FIELD_KIND_flag: return *(const bool *)a == *(const bool *)b;
    }
    return false;
}

static void assert_equal(const struct message_type *type, const void *a, const void *b)
{
    for (size_t i = 0; i < type->field_count; i++) {
        const struct message_field *field = &type->fields[i];
        cr_assert(values_equal(field->type, (const char *)a + field->offset,
                               (const char *)b + field->offset),
                  "%s.%s", type->name.ptr, field->name);
    }
}

Test(message, of_every_type_is_read_as_it_was_written)
{
    struct random random = {.state = 5};
    struct arena *arena = arena_new();
    AUTO(buf) bytes = {0};

    for (int round = 0; round < 300; round++) {
        for (int id = 0; id < MSG_COUNT; id++) {
            const struct message_type *type = message_type((enum message_id)id);
            struct err err = {0};
            void *back;
            void *message = random_message(type, &random, arena);
            cr_assert(message_check(type, message, &err), "%s", err.text);

            buf_clear(&bytes);
            message_encode(type, message, &bytes);
            cr_assert(message_decode(type, buf_str(&bytes), arena, &back, &err), "%s", err.text);

            assert_equal(type, message, back);
        }
        arena_reset(arena);
    }
    arena_free(&arena);
}

Test(message, text_is_not_copied_out_of_the_payload)
{
    const struct message_type *type = message_type(MSG_CONVERSATION_POST);
    const struct msg_conversation_post message = {.id = id_new(), .text = STR("hello")};
    struct arena *arena = arena_new();
    struct err err;
    void *back;
    AUTO(buf) bytes = {0};

    message_encode(type, &message, &bytes);
    cr_assert(message_decode(type, buf_str(&bytes), arena, &back, &err));

    const char *text = ((struct msg_conversation_post *)back)->text.ptr;
    cr_assert(
        all(gt(ptr, (void *)text, bytes.data), lt(ptr, (void *)text, bytes.data + bytes.len)));
    arena_free(&arena);
}

// Builds N and N + 1 of a rolling upgrade: fields are appended only.
static bool decode_hex(enum message_id id, const char *hex, void **message, struct arena *arena,
                       struct err *err)
{
    AUTO(buf) bytes = {0};
    cr_assert(buf_unhex(&bytes, str_of(hex)));
    struct str payload = arena_copy(arena, buf_str(&bytes));
    return message_decode(message_type(id), payload, arena, message, err);
}

Test(message, a_payload_of_an_older_build_lacks_its_last_fields)
{
    struct arena *arena = arena_new();
    struct err err = {0};
    void *message;

    // [id, 5] without count
    cr_assert(decode_hex(MSG_TRANSCRIPT_READ, "92c410000102030405060708090a0b0c0d0e0f05", &message,
                         arena, &err),
              "%s", err.text);

    cr_assert(eq(u32, ((struct msg_transcript_read *)message)->after, 5));
    cr_assert(eq(u32, ((struct msg_transcript_read *)message)->count, 0));
    arena_free(&arena);
}

Test(message, a_payload_of_a_newer_build_has_fields_that_are_skipped)
{
    struct arena *arena = arena_new();
    struct err err = {0};
    void *message;

    // [id, 5, 6, {"later": [1]}, nil]
    cr_assert(decode_hex(MSG_TRANSCRIPT_READ,
                         "95c410000102030405060708090a0b0c0d0e0f0506"
                         "81a56c617465729101c0",
                         &message, arena, &err),
              "%s", err.text);

    cr_assert(eq(u32, ((struct msg_transcript_read *)message)->count, 6));
    arena_free(&arena);
}

static const struct hostile_row {
    const char *name;
    enum message_id id;
    const char *hex;
    const char *want;
} hostile_rows[] = {
    {"nothing", MSG_CALLER_LOOKUP, "", "caller.lookup: payload is not well-formed"},
    {"a map", MSG_CALLER_LOOKUP, "80", "caller.lookup: payload is no array"},
    {"a scalar", MSG_CALLER_LOOKUP, "c0", "caller.lookup: payload is no array"},
    {"an array that claims four billion elements", MSG_CALLER_LOOKUP, "ddffffffff",
     "caller.lookup: payload is not well-formed"},
    {"two values", MSG_CALLER_LOOKUP, "9090", "caller.lookup: payload is not well-formed"},
    {"no fields", MSG_CALLER_LOOKUP, "90", "digest: missing"},
    {"a required field that is nil", MSG_CALLER_LOOKUP, "91c0", "digest: missing"},
    {"a number for text", MSG_CALLER_LOOKUP, "9105", "digest: not text"},
    {"bin for text", MSG_CALLER_LOOKUP, "91c40161", "digest: not text"},
    {"text that is too short", MSG_CALLER_LOOKUP, "91a161", "digest: 1 bytes, at least 64"},
    {"text for an id", MSG_CONVERSATION_READ, "91a161", "id: not a UUID"},
    {"an id of 15 bytes", MSG_CONVERSATION_READ, "91c40f000102030405060708090a0b0c0d0e",
     "id: not a UUID"},
    {"a negative number", MSG_SMS_RECEIPT, "92a161ff", "message_state: not a whole number"},
    {"a float", MSG_SMS_RECEIPT, "92a161ca3f800000", "message_state: not a whole number"},
    {"a number past 32 bits", MSG_SMS_RECEIPT, "92a161cf0000000100000001",
     "message_state: not a whole number"},
    {"a number over its limit", MSG_SMS_RECEIPT, "92a1610b", "message_state: not within 0 to 10"},
    {"a sender not in its normal spelling", MSG_SMS_INBOUND, "93a161a83132333435363738a3313233",
     "phone_number: neither a phone number (+ and 3 to 15 digits) nor a name of 1 to 255 "
     "bytes"},
    {"a phone number not in its normal spelling", MSG_SMS_INBOUND,
     "93a161a3313233a83132333435363738", "shortcode: not a phone number (+ and 3 to 15 digits)"},
    {"broken UTF-8", MSG_SMS_RECEIPT, "92a261ff01", "message_id: not UTF-8 text at byte 1"},
    {"NUL in text", MSG_SMS_RECEIPT, "92a2610001", "message_id: not UTF-8 text at byte 1"},
};

ROWS_TEST(message, a_hostile_payload_is_refused_with_the_field_and_the_rule, hostile_rows)
{
    struct arena *arena = arena_new();
    struct err err = {0};
    void *message = NULL;

    cr_assert(not(decode_hex(row->id, row->hex, &message, arena, &err)), "%s", row->name);

    cr_assert(eq(int, err.code, ERR_BAD_INPUT));
    cr_assert(eq(str, err.text, row->want), "%s", row->name);
    cr_assert(eq(ptr, message, NULL));
    arena_free(&arena);
}

Test(message, a_payload_over_its_limit_is_refused_unread)
{
    static char large[9000];
    struct arena *arena = arena_new();
    struct err err;
    void *message;

    cr_assert(not(message_decode(message_type(MSG_CALLER_LOOKUP), str_make(large, 8193), arena,
                                 &message, &err)));

    cr_assert(eq(str, err.text, "caller.lookup: payload is 8193 bytes, limit 8192"));
    arena_free(&arena);
}

Test(message, checking_names_the_first_missing_field)
{
    const struct msg_sms_inbound message = {.message_id = STR("a"), .shortcode = STR("12345")};
    struct err err;

    cr_assert(not(message_check(message_type(MSG_SMS_INBOUND), &message, &err)));

    cr_assert(eq(str, err.text, "phone_number: missing"));
}

Test(message, errors_use_the_first_name_of_a_field)
{
    char text[70] = {0};
    memset(text, 'x', 65);
    const struct msg_conversation_post message = {
        .id = id_new(), .client_id = str_of(text), .text = STR("hello")};
    struct err err;

    cr_assert(not(message_check(message_type(MSG_CONVERSATION_POST), &message, &err)));

    cr_assert(eq(str, err.text, "clientId: 65 bytes, limit 64"));
}
