#include "wire/json/codec_json.h"

#include "rows.h"

static struct arena *arena;
static struct body *body;
static struct err err;

static void set_up(void)
{
    arena = arena_new();
}

static void tear_down(void)
{
    body_free(&body);
    arena_free(&arena);
}

TestSuite(body, .init = set_up, .fini = tear_down);

enum format { JSON, FORM };

static void read_body(enum format format, const char *text)
{
    bool ok = format == JSON ? body_from_json(str_of(text), &body, &err)
                             : body_from_form(str_of(text), &body, &err);
    cr_assert(ok, "%s", err.text);
}

static void *convert(enum message_id id, enum body_strictness strictness)
{
    void *message = NULL;
    bool ok = body_to_message(body, message_type(id), strictness, arena, &message, &err);
    cr_assert(ok, "%s", err.text);
    return message;
}

static const struct inbound_row {
    enum format format;
    const char *text;
} inbound_rows[] = {
    {FORM, "type=MO&message_id=42&phone_number=14155550123&shortcode=%2B18445551212&message=a+b"},
    {JSON, "{\"message_id\":\"42\",\"phone_number\":\"+14155550123\",\"shortcode\":\"18445551212\","
           "\"message\":\"a b\"}"},
    {JSON, "{\"messageId\":42,\"from\":14155550123,\"to\":\"+18445551212\",\"text\":\"a b\"}"},
    {JSON, "{\"operationId\":\"x\",\"data\":{\"messageId\":\"42\",\"source\":\"14155550123\","
           "\"destination\":\"18445551212\",\"text\":\"a b\"}}"},
    {FORM, "data[messageId]=42&data%5Bfrom%5D=14155550123&data.to=18445551212&data[text]=a%20b"},
};

ROWS_TEST(body, gives_the_same_message_for_any_spelling, inbound_rows)
{
    read_body(row->format, row->text);

    const struct msg_sms_inbound *message = convert(MSG_SMS_INBOUND, BODY_TOLERANT);

    cr_assert(str_equal(message->message_id, STR("42")));
    cr_assert(str_equal(message->phone_number, STR("+14155550123")));
    cr_assert(str_equal(message->shortcode, STR("+18445551212")));
    cr_assert(str_equal(message->message, STR("a b")));
    cr_assert(not(str_present(message->carrier)));
}

static const struct nesting_row {
    const char *text;
    const char *want; // the attachments as JSON
} nesting_rows[] = {
    {"attachments[0].content_type=a&attachments[0].content=b",
     "[{\"content_type\":\"a\",\"content\":\"b\"}]"},
    {"attachments[0][content_type]=a&attachments[1][content_type]=b",
     "[{\"content_type\":\"a\"},{\"content_type\":\"b\"}]"},
    {"attachments[1][x]=a&attachments[2][x]=b", "[{\"x\":\"a\"},{\"x\":\"b\"}]"},
    {"attachments[999999999999][x]=a", "[{\"x\":\"a\"}]"},
    {"attachments[]=a&attachments[]=b", "[\"a\",\"b\"]"},
    {"attachments[a][b][c]=1&attachments[a][b][d]=2", "{\"a\":{\"b\":{\"c\":\"1\",\"d\":\"2\"}}}"},
    {"attachments.a.b=1", "{\"a\":{\"b\":\"1\"}}"},
    {"attachments[a.b]=1", "{\"a.b\":\"1\"}"},
    {"attachments[name]=x&attachments[2024]=y", "{\"name\":\"x\",\"2024\":\"y\"}"},
    {"attachments=plain", "\"plain\""},
    {"attachments[a]", "{\"a\":\"\"}"},
};

ROWS_TEST(body, form_names_are_paths, nesting_rows)
{
    char text[300];
    snprintf(text, sizeof text, "message_id=1&from=12345&to=67890&&%s", row->text);
    read_body(FORM, text);

    const struct msg_sms_inbound *message = convert(MSG_SMS_INBOUND, BODY_TOLERANT);

    cr_assert(str_equal(message->mms_attachment, str_of(row->want)), "%s",
              message->mms_attachment.ptr);
}

static const struct form_fault_row {
    const char *text, *want;
} form_fault_rows[] = {
    {"a=1&b=%zz", "b: not percent-encoded UTF-8"},
    {"a=%FF", "a: not percent-encoded UTF-8"},
    {"a=%00", "a: not percent-encoded UTF-8"},
    {"%C0%AF=1", "form: pair 1: its name is not percent-encoded UTF-8"},
    {"=1", "form: pair 1: no name"},
    {"a=1&a=2", "form: pair 2: its name was used by an earlier pair"},
    {"a[b]=1&a[b]=2", "form: pair 2: its name was used by an earlier pair"},
    {"a=1&a[b]=2", "form: pair 2: its name contradicts an earlier pair"},
    {"a[b]=1&a=2", "form: pair 2: its name was used by an earlier pair"},
    {"a[0]=1&a[b]=2", "form: pair 2: its name contradicts an earlier pair"},
    {"a[b]=1&a[]=2", "form: pair 2: its name contradicts an earlier pair"},
    {"a[b=1", "form: pair 1: malformed brackets in the name"},
    {"a[b]c=1", "form: pair 1: malformed brackets in the name"},
    {"a..b=1", "form: pair 1: malformed brackets in the name"},
    {"a[b][c][d][e][f][g][h][i][j][k][l][m][n][o][p][q]=1",
     "form: pair 1: name nested deeper than 16"},
};

ROWS_TEST(body, an_error_in_a_form_names_the_pair, form_fault_rows)
{
    cr_assert(not(body_from_form(str_of(row->text), &body, &err)), "%s", row->text);

    cr_assert(eq(str, err.text, row->want), "%s", row->text);
}

Test(body, a_form_has_at_most_1000_pairs)
{
    AUTO(buf) text = {0};

    for (int i = 1; i <= 1000; i++)
        buf_printf(&text, "&a%d=1" + (i == 1), i);
    cr_assert(body_from_form(buf_str(&text), &body, &err), "%s", err.text);
    body_free(&body);
    buf_str_append(&text, STR("&b=1"));

    cr_assert(not(body_from_form(buf_str(&text), &body, &err)));
    cr_assert(eq(str, err.text, "form: more than 1000 pairs"));
}

static const struct refusal_row {
    enum format format;
    enum message_id id;
    const char *text, *want;
} refusal_rows[] = {
    {JSON, MSG_SMS_INBOUND, "{}", "message_id: missing"},
    {JSON, MSG_SMS_INBOUND, "{\"message_id\":null}", "message_id: missing"},
    {JSON, MSG_SMS_INBOUND, "{\"message_id\":true}", "message_id: not text"},
    {JSON, MSG_SMS_INBOUND, "{\"message_id\":1.5}", "message_id: not text"},
    {JSON, MSG_SMS_INBOUND, "{\"message_id\":[]}", "message_id: not text"},
    {JSON, MSG_SMS_INBOUND, "{\"message_id\":\"\"}", "message_id: 0 bytes, at least 1"},
    {JSON, MSG_SMS_INBOUND, "{\"message_id\":\"a\",\"phone_number\":\" \"}",
     "phone_number: neither a phone number (+ and 3 to 15 digits) nor a name of 1 to 255 "
     "bytes"},
    {JSON, MSG_SMS_INBOUND, "{\"message_id\":\"a\",\"from\":{}}",
     "phone_number: neither a phone number (+ and 3 to 15 digits) nor a name of 1 to 255 "
     "bytes"},
    {JSON, MSG_SMS_INBOUND, "{\"message_id\":\"a\",\"from\":\"Ann\",\"to\":\"Bob\"}",
     "shortcode: not a phone number (+ and 3 to 15 digits)"},
    {FORM, MSG_SMS_INBOUND, "message_id=&from=12345&to=12345", "message_id: missing"},
    {JSON, MSG_SMS_RECEIPT, "{\"message_id\":\"a\",\"status\":11}",
     "message_state: not within 0 to 10"},
    {JSON, MSG_SMS_RECEIPT, "{\"message_id\":\"a\",\"status\":4294967298}",
     "message_state: not within 0 to 10"},
    {JSON, MSG_SMS_RECEIPT, "{\"message_id\":\"a\",\"status\":-1}",
     "message_state: not within 0 to 10"},
    {JSON, MSG_SMS_RECEIPT, "{\"message_id\":\"a\",\"status\":2.0}",
     "message_state: neither a whole number nor one of its words"},
    {JSON, MSG_SMS_RECEIPT, "{\"message_id\":\"a\",\"status\":\"two\"}",
     "message_state: neither a whole number nor one of its words"},
    {JSON, MSG_SMS_RECEIPT, "{\"message_id\":\"a\",\"status\":\"\"}",
     "message_state: neither a whole number nor one of its words"},
    {JSON, MSG_SMS_RECEIPT, "{\"message_id\":\"a\",\"status\":true}",
     "message_state: neither a whole number nor one of its words"},
    {JSON, MSG_CONVERSATION_READ, "{\"id\":\"12\"}", "id: not a UUID"},
    {JSON, MSG_CONVERSATION_READ, "{\"id\":12}", "id: not a UUID"},
};

ROWS_TEST(body, a_refusal_names_the_field_and_the_rule, refusal_rows)
{
    void *message = NULL;
    read_body(row->format, row->text);

    cr_assert(
        not(body_to_message(body, message_type(row->id), BODY_TOLERANT, arena, &message, &err)));

    cr_assert(eq(int, err.code, ERR_BAD_INPUT));
    cr_assert(eq(str, err.text, row->want), "%s", row->text);
    cr_assert(eq(ptr, message, NULL));
}

Test(body, text_over_its_limit_is_refused_with_both_lengths)
{
    AUTO(buf) text = {0};
    void *message;

    buf_str_append(&text, STR("message_id=1&from=12345&to=67890&message="));
    for (int i = 0; i < 17000; i++)
        buf_byte(&text, 'x');
    cr_assert(body_from_form(buf_str(&text), &body, &err));

    cr_assert(not(body_to_message(body, message_type(MSG_SMS_INBOUND), BODY_TOLERANT, arena,
                                  &message, &err)));
    cr_assert(eq(str, err.text, "message: 17000 bytes, limit 16384"));
}

Test(body, numbers_may_be_texts_and_texts_may_be_numbers)
{
    read_body(JSON, "{\"message_id\":9007199254740993,\"status\":\"2\",\"resultCode\":6}");

    const struct msg_sms_receipt *message = convert(MSG_SMS_RECEIPT, BODY_STRICT);

    cr_assert(str_equal(message->message_id, STR("9007199254740993")));
    cr_assert(eq(u32, message->message_state, 2));
    cr_assert(str_equal(message->result_code, STR("6")));
}

static const struct word_row {
    const char *word;
    uint32_t state;
} word_rows[] = {{"DELIVRD", 2}, {"delivrd", 2}, {" Expired ", 3}, {"DELETED", 4},  {"UNDELIV", 5},
                 {"ACCEPTD", 6}, {"Unknown", 7}, {"REJECTD", 8},   {"ENROUTE", 1},  {"read", 10},
                 {"failed", 5},  {"SKIPPED", 9}, {"sent", 1},      {"delivered", 2}};

ROWS_TEST(body, a_receipts_state_is_a_number_or_a_word_in_any_case, word_rows)
{
    AUTO(buf) json = {0};

    buf_printf(&json, "{\"message_id\":\"a\",\"status\":\"%s\",\"result_code\":\"000\"}",
               row->word);
    read_body(JSON, buf_c_string(&json));

    const struct msg_sms_receipt *message = convert(MSG_SMS_RECEIPT, BODY_LENIENT);

    cr_assert(eq(u32, message->message_state, row->state));
    cr_assert(str_equal(message->result_code, STR("000")));
}

Test(body, an_empty_form_field_is_null_if_it_cannot_be_a_value)
{
    read_body(FORM, "message_id=a&from=12345&to=67890&concat_reference=&concat_total=&message=");

    const struct msg_sms_inbound *message = convert(MSG_SMS_INBOUND, BODY_STRICT);

    cr_assert(eq(sz, message->concat_reference.len, 0));
    cr_assert(eq(sz, message->concat_total.len, 0));
    cr_assert(str_present(message->message));
}

static const struct strict_row {
    const char *text, *want; // "" when it passes
} strict_rows[] = {
    {"{\"after\":\"7\",\"count\":5}", ""},
    {"{\"operationId\":\"0b0f4f0e-53a5-4a6c-9d83-2a3f0e4c7f10\",\"data\":{\"count\":5}}", ""},
    {"{\"count\":5,\"colour\":\"red\"}", "colour: unknown field"},
    {"{\"data\":{\"count\":5,\"colour\":\"red\"}}", "colour: unknown field"},
    {"{\"data\":{\"data\":{\"count\":5}}}", "data: unknown field"},
    {"{\"data\":5}", "data: unknown field"},
    {"{\"data\":{\"operationId\":5}}", "operationId: unknown field"},
};

ROWS_TEST(body, a_strict_path_refuses_unknown_fields_by_name, strict_rows)
{
    void *message;
    read_body(JSON, row->text);
    err.text[0] = '\0';

    bool ok =
        body_to_message(body, message_type(MSG_RECEIPT_LIST), BODY_STRICT, arena, &message, &err);

    cr_assert(eq(int, ok, row->want[0] == '\0'));
    cr_assert(eq(str, err.text, row->want));
}

Test(body, a_tolerant_path_ignores_unknown_fields)
{
    read_body(JSON, "{\"count\":5,\"colour\":\"red\",\"data\":7}");

    cr_assert(
        eq(u32, ((struct msg_receipt_list *)convert(MSG_RECEIPT_LIST, BODY_TOLERANT))->count, 5));
}

Test(body, the_path_takes_precedence_over_the_body)
{
    struct id path, wrong = id_new();
    char text[200], wrong_text[ID_TEXT_LENGTH + 1];
    cr_assert(id_parse(STR("0b0f4f0e-53a5-4a6c-9d83-2a3f0e4c7f10"), &path));
    id_text(wrong, wrong_text);
    snprintf(text, sizeof text, "{\"id\":\"%s\",\"data\":{\"id\":\"%s\",\"text\":\"hello\"}}",
             wrong_text, wrong_text);
    read_body(JSON, text);

    body_set(body, STR("id"), STR("overwritten"));
    body_set(body, STR("id"), STR("0b0f4f0e-53a5-4a6c-9d83-2a3f0e4c7f10"));

    const struct msg_conversation_post *message = convert(MSG_CONVERSATION_POST, BODY_STRICT);
    cr_assert(id_equal(message->id, path));
    cr_assert(str_equal(message->text, STR("hello")));
}

Test(body, without_a_body_there_are_still_parameters)
{
    body = body_empty();
    body_set(body, STR("count"), STR("20"));

    cr_assert(
        eq(u32, ((struct msg_receipt_list *)convert(MSG_RECEIPT_LIST, BODY_STRICT))->count, 20));
    cr_assert(id_is_none(body_operation(body)));
}

Test(body, knows_its_operation)
{
    read_body(FORM, "operationId=0b0f4f0e-53a5-4a6c-9d83-2a3f0e4c7f10&data[count]=1");

    cr_assert(eq(int, body_operation(body).bytes[15], 0x10));
}

Test(body, an_operation_id_that_is_not_a_uuid_is_ignored)
{
    read_body(JSON, "{\"operationId\":\"seven\"}");

    cr_assert(id_is_none(body_operation(body)));
}

Test(body, must_be_an_object)
{
    cr_assert(not(body_from_json(STR("[1]"), &body, &err)));
    cr_assert(eq(str, err.text, "JSON: the body is not an object"));
    cr_assert(eq(ptr, body, NULL));
}

// A message one of whose fields is the whole body.
struct whole {
    struct str name;
    struct str document;
};

static const struct message_field whole_fields[] = {
    {.name = "name",
     .names = "name",
     .type = FIELD_KIND_str,
     .offset = offsetof(struct whole, name),
     .minimum = 1,
     .maximum = 32},
    {.name = "document",
     .names = "*",
     .type = FIELD_KIND_json,
     .offset = offsetof(struct whole, document),
     .maximum = 64,
     .presence = REQUIRED},
};
static const struct message_type whole_type = {
    .size = sizeof(struct whole), .fields = whole_fields, .field_count = COUNT_OF(whole_fields)};

Test(body, one_field_may_be_the_whole_body)
{
    void *message = NULL;

    read_body(JSON, "{\"name\":\"of the body\",\"data\":{\"any\":[1]}}");
    body_set(body, STR("name"), STR("of the path"));

    cr_assert(body_to_message(body, &whole_type, BODY_STRICT, arena, &message, &err), "%s",
              err.text);

    const struct whole *whole = message;
    cr_assert(str_equal(whole->name, STR("of the path")));
    cr_assert(str_equal(whole->document, STR("{\"name\":\"of the body\",\"data\":{\"any\":[1]}}")));
}

Test(body, a_whole_body_gives_no_other_fields)
{
    void *message = NULL;

    read_body(JSON, "{\"name\":\"of the body\"}");
    cr_assert(body_to_message(body, &whole_type, BODY_STRICT, arena, &message, &err), "%s",
              err.text);
    cr_assert(not(str_present(((struct whole *)message)->name)));

    body_set(body, STR("other"), STR("x"));
    cr_assert(not(body_to_message(body, &whole_type, BODY_STRICT, arena, &message, &err)));
    cr_assert(eq(str, err.text, "other: unknown field"));
}

Test(body, the_whole_body_is_missing_if_there_was_none)
{
    void *message = NULL;

    body = body_empty();

    cr_assert(not(body_to_message(body, &whole_type, BODY_STRICT, arena, &message, &err)));
    cr_assert(eq(str, err.text, "body: missing"));
}
