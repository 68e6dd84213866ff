// Texts of consumers and receipts of aggregators: everything that can be stored is accepted.
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

TestSuite(lenient, .init = set_up, .fini = tear_down);

#define JSON     "application/json"
#define FORM     "application/x-www-form-urlencoded"
#define JSON_IDS "\"message_id\":\"m\",\"from\":\"15551110001\",\"to\":\"15551110002\""
#define FORM_IDS "message_id=m&from=15551110001&to=15551110002"

static const struct msg_sms_inbound *read_text(const char *type, struct str bytes)
{
    const struct message_type *inbound = message_type(MSG_SMS_INBOUND);
    void *message = NULL;

    if (!body_from_bytes(bytes, str_of(type), inbound, BODY_LENIENT, &body, &err))
        return NULL;
    return body_to_message(body, inbound, BODY_LENIENT, arena, &message, &err) ? message : NULL;
}

static const struct text_row {
    const char *type;
    struct str bytes, want; // the text that arrives
} text_rows[] = {
    {JSON, STR_INIT("{" JSON_IDS ",\"message\":\"hi\"}"), STR_INIT("hi")},
    {JSON, STR_INIT("\xEF\xBB\xBF{" JSON_IDS ",\"message\":\"hi\"}"), STR_INIT("hi")},
    {FORM, STR_INIT("\xEF\xBB\xBF" FORM_IDS "&message=hi"), STR_INIT("hi")},
    // an empty text is a text
    {JSON, STR_INIT("{" JSON_IDS ",\"message\":\"\"}"), STR_INIT("")},
    {JSON, STR_INIT("{" JSON_IDS ",\"message\":null}"), STR_INIT("")},
    {FORM, STR_INIT(FORM_IDS "&message="), STR_INIT("")},
    {FORM, STR_INIT(FORM_IDS "&message"), STR_INIT("")},
    // an empty or unreadable member does not hide one with another name
    {JSON, STR_INIT("{" JSON_IDS ",\"message\":\"\",\"text\":\"hi\"}"), STR_INIT("hi")},
    {JSON, STR_INIT("{" JSON_IDS ",\"message\":null,\"text\":\"hi\"}"), STR_INIT("hi")},
    {JSON, STR_INIT("{" JSON_IDS ",\"message\":{\"a\":1},\"text\":\"hi\"}"), STR_INIT("hi")},
    {FORM, STR_INIT(FORM_IDS "&message=&text=hi"), STR_INIT("hi")},
    {FORM, STR_INIT("phone_number=&" FORM_IDS "&text=hi"), STR_INIT("hi")},
    // members that are not read
    {FORM,
     STR_INIT(FORM_IDS
              "&message=hi&tag=a&tag=b&x.y=1&x=2&a.=1&[=1&=v&promo=50%&c=%FC&%=%&[[]]=1&a[b=1"),
     STR_INIT("hi")},
    {FORM, STR_INIT("a[b][c][d][e][f][g][h][i][j][k][l][m][n][o][p][q][r]=1&" FORM_IDS "&text=hi"),
     STR_INIT("hi")},
    {JSON,
     STR_INIT("{" JSON_IDS ",\"message\":\"hi\",\"a\":123456789012345678901234567890,\"a\":1e400,"
              "\"b\":\"\\u0000\\ud800\",\"c\":NaN,\"d\":-Infinity,\"e\":007,\"f\":\"\xFC\"}"),
     STR_INIT("hi")},
    {JSON, STR_INIT("{" JSON_IDS ",\"message\":\"hi\",\"carrier\":{\"name\":\"x\"}}"),
     STR_INIT("hi")},
    {JSON, STR_INIT("{" JSON_IDS ",\"message\":\"hi\",\"concat_total\":\"two\",\"concatPart\":[]}"),
     STR_INIT("hi")},
    // characters that cannot be stored become U+FFFD
    {JSON, STR_INIT("{" JSON_IDS ",\"message\":\"a\\u0000b\\ud83dc\"}"),
     STR_INIT("a\xEF\xBF\xBD"
              "b\xEF\xBF\xBD"
              "c")},
    {FORM, STR_INIT(FORM_IDS "&message=a%00b"),
     STR_INIT("a\xEF\xBF\xBD"
              "b")},
    {FORM "; charset=utf-8", STR_INIT(FORM_IDS "&message=a%FF"), STR_INIT("a\xEF\xBF\xBD")},
    {JSON, STR_INIT("{" JSON_IDS ",\"message\":\"two\nlines\\x\"}"), STR_INIT("two\nlines\\x")},
    {FORM, STR_INIT(FORM_IDS "&message=50%&x"), STR_INIT("50%")},
    {FORM, STR_INIT(FORM_IDS "&message=100%+sure%2"), STR_INIT("100% sure%2")},
    // bytes after a body
    {FORM, STR_INIT(FORM_IDS "&message=hi\r\n"), STR_INIT("hi")},
    {FORM, STR_INIT(FORM_IDS "&message=hi%0A"), STR_INIT("hi\n")},
    {JSON, STR_INIT("{" JSON_IDS ",\"message\":\"hi\"}\n\0"), STR_INIT("hi")},
    // charsets
    {FORM "; charset=iso-8859-1", STR_INIT(FORM_IDS "&message=M%FCnchen"),
     STR_INIT("M\xC3\xBCnchen")},
    {FORM "; Charset=\"Windows-1252\"", STR_INIT(FORM_IDS "&message=%80"),
     STR_INIT("\xE2\x82\xAC")},
    {FORM, STR_INIT("_charset_=iso-8859-2&" FORM_IDS "&message=%B9"), STR_INIT("\xC5\xA1")},
    {FORM, STR_INIT(FORM_IDS "&message=M%FCnchen"), STR_INIT("M\xC3\xBCnchen")},
    {FORM, STR_INIT(FORM_IDS "&message=M\xFCnchen"), STR_INIT("M\xC3\xBCnchen")},
    {FORM "; charset=utf-16be", STR_INIT(FORM_IDS "&message=%D8%3D%DE%00"),
     STR_INIT("\xF0\x9F\x98\x80")},
    {JSON "; charset=iso-8859-1", STR_INIT("{" JSON_IDS ",\"message\":\"M\xFCnchen\"}"),
     STR_INIT("M\xC3\xBCnchen")},
    {JSON, STR_INIT("{" JSON_IDS ",\"message\":\"M\xFCnchen\",\"x\":\"\xC3\xBC\"}"),
     STR_INIT("M\xC3\xBCnchen")},
    // bodies that are read as what they are, not as declared
    {FORM, STR_INIT(" {" JSON_IDS ",\"message\":\"a=b&c\"}"), STR_INIT("a=b&c")},
    {JSON, STR_INIT(FORM_IDS "&message=hi"), STR_INIT("hi")},
    {NULL, STR_INIT("{" JSON_IDS ",\"message\":\"hi\"}"), STR_INIT("hi")},
    {"", STR_INIT(FORM_IDS "&message=hi"), STR_INIT("hi")},
    {"text/json", STR_INIT("{" JSON_IDS ",\"message\":\"hi\"}"), STR_INIT("hi")},
    {"text/plain", STR_INIT(FORM_IDS "&message=hi"), STR_INIT("hi")},
    // numbers are texts
    {JSON, STR_INIT("{" JSON_IDS ",\"message\":42}"), STR_INIT("42")},
    {JSON, STR_INIT("{" JSON_IDS ",\"message\":1.50}"), STR_INIT("1.50")},
    // other values become texts as they are written
    {JSON, STR_INIT("{" JSON_IDS ",\"message\":true}"), STR_INIT("true")},
    {JSON, STR_INIT("{" JSON_IDS ",\"message\":{ \"body\": \"hi\" }}"),
     STR_INIT("{\"body\":\"hi\"}")},
    {JSON, STR_INIT("{" JSON_IDS ",\"message\":[\"a\",1.5]}"), STR_INIT("[\"a\",1.5]")},
    {JSON, STR_INIT("{" JSON_IDS ",\"message\":false,\"text\":\"hi\"}"), STR_INIT("hi")},
    // members that are not read may be broken inside
    {JSON, STR_INIT("{" JSON_IDS ",\"message\":\"hi\",\"x\":[{\"]}\":\"\\\"}\",y}]}"),
     STR_INIT("hi")},
    {JSON, STR_INIT("{\"data\":{" JSON_IDS ",\"message\":\"hi\",\"x\":{\"y\":{z}}}}"),
     STR_INIT("hi")},
    // characters that are kept
    {JSON,
     STR_INIT("{" JSON_IDS ",\"message\":\"\xE2\x80\xAE\xE2\x80\x8B\xEF\xBB\xBF\\ud83d\\ude00\"}"),
     STR_INIT("\xE2\x80\xAE\xE2\x80\x8B\xEF\xBB\xBF\xF0\x9F\x98\x80")},
};

ROWS_TEST(lenient, a_text_arrives_as_it_was_written, text_rows)
{
    const struct msg_sms_inbound *message = read_text(row->type, row->bytes);

    cr_assert(ne(ptr, (void *)message, NULL), "%.*s: %s", STR_ARG(row->bytes), err.text);
    cr_assert(str_present(message->message) && str_equal(message->message, row->want), "%.*s: %.*s",
              STR_ARG(row->bytes), STR_ARG(message->message));
    cr_assert(str_equal(message->message_id, STR("m")));
    cr_assert(str_equal(message->phone_number, STR("+15551110001")));
}

static const struct phone_row {
    const char *text, *want;
} phone_rows[] = {
    {"+15551110001", "+15551110001"},
    {"%2B15551110001", "+15551110001"},
    {"+4415551110001", "+4415551110001"},
    {"15551110001", "+15551110001"},
    {"+", NULL},
};

static const struct phone_row number_rows[] = {
    {"15551110001.0", "+15551110001"},
    {"1.5551110001e10", "+15551110001"},
    {"15551110001", "+15551110001"},
    {"\"15551110001.0\"", "+15551110001"},
};

ROWS_TEST(lenient, a_phone_number_may_be_a_number_however_it_is_written, number_rows)
{
    AUTO(buf) json = {0};

    buf_printf(&json, "{\"message_id\":\"m\",\"phone_number\":%s,\"to\":12345.0,\"message\":\"x\"}",
               row->text);
    const struct msg_sms_inbound *message = read_text(JSON, buf_str(&json));

    cr_assert(message != NULL, "%s: %s", row->text, err.text);
    cr_assert(str_equal(message->phone_number, str_of(row->want)), "%.*s",
              STR_ARG(message->phone_number));
    cr_assert(str_equal(message->shortcode, STR("12345")));
}

Test(lenient, unknown_fields_may_have_any_size_and_depth)
{
    AUTO(buf) json = {0};

    buf_str_append(&json, STR("{" JSON_IDS ",\"x\":"));
    for (int i = 0; i < 1000; i++)
        buf_str_append(&json, STR("[{\"a\":"));
    for (int i = 0; i < 30000; i++)
        buf_str_append(&json, STR("1,"));
    for (int i = 0; i < 1000; i++)
        buf_str_append(&json, STR("}]"));
    buf_str_append(&json, STR(",\"message\":\"hi\"}"));

    const struct msg_sms_inbound *message = read_text(JSON, buf_str(&json));

    cr_assert(message != NULL, "%s", err.text);
    cr_assert(str_equal(message->message, STR("hi")));
}

ROWS_TEST(lenient, an_unescaped_plus_is_a_plus, phone_rows)
{
    AUTO(buf) form = {0};

    buf_printf(&form, "message_id=m&phone_number=%s&to=12345&message=x", row->text);
    const struct msg_sms_inbound *message = read_text(FORM, buf_str(&form));

    cr_assert(eq(int, message != NULL, row->want != NULL), "%s: %s", row->text, err.text);
    if (message)
        cr_assert(str_equal(message->phone_number, str_of(row->want)));
}

Test(lenient, a_query_is_read_as_leniently)
{
    const struct message_type *inbound = message_type(MSG_SMS_INBOUND);
    void *message = NULL;

    body = body_empty();
    body_set_query(body, STR("message_id=m&from=+15551110001&to=+15551110002&text=%&%zz=1&x=%FF"),
                   inbound);

    cr_assert(body_to_message(body, inbound, BODY_LENIENT, arena, &message, &err), "%s", err.text);
    cr_assert(str_equal(((struct msg_sms_inbound *)message)->message, STR("%")));
}

static const struct refusal_row {
    const char *type;
    const char *text, *want;
    enum err_code code;
} refusal_rows[] = {
    {JSON, "{\"from\":\"15551110001\"}", "message_id: missing", ERR_BAD_INPUT},
    {JSON, "{\"message_id\":\"\"}", "message_id: 0 bytes, at least 1", ERR_BAD_INPUT},
    {JSON, "{\"message_id\":true}", "message_id: not text", ERR_BAD_INPUT},
    {JSON, "{\"a\":[{}", "JSON: premature end at line 1, column 9, byte 8", ERR_BAD_INPUT},
    {JSON, "{\"a\":[\"", "JSON: premature end at line 1, column 8, byte 7", ERR_BAD_INPUT},
    {JSON, "{" JSON_IDS ",\"message_id\":\"n\"}", "message_id: given twice with different values",
     ERR_BAD_INPUT},
    {FORM, FORM_IDS "&message=a&message=b", "message: given twice with different values",
     ERR_BAD_INPUT},
    {JSON, "[]", "JSON: the body is not an object", ERR_BAD_INPUT},
    {JSON, "{\"a\":", "JSON: premature end at line 1, column 6, byte 5", ERR_BAD_INPUT},
    {"text/xml", "<a b=\"c\"/>",
     "Content-Type is application/json or application/x-www-form-urlencoded",
     ERR_UNSUPPORTED_MEDIA},
    {NULL, "nonsense", "Content-Type is application/json or application/x-www-form-urlencoded",
     ERR_UNSUPPORTED_MEDIA},
};

ROWS_TEST(lenient, an_unreadable_required_field_is_refused_by_name, refusal_rows)
{
    cr_assert(eq(ptr, (void *)read_text(row->type, str_of(row->text)), NULL), "%s", row->text);
    cr_assert(eq(str, err.text, row->want), "%s", row->text);
    cr_assert(eq(int, err.code, row->code), "%s", row->text);
}

Test(lenient, a_repeated_equal_value_is_accepted)
{
    cr_assert(
        ne(ptr, (void *)read_text(FORM, STR(FORM_IDS "&message=a&message=a&message_id=m")), NULL),
        "%s", err.text);
}

Test(lenient, a_value_over_its_limit_is_too_large)
{
    AUTO(buf) form = {0};

    buf_str_append(&form, STR(FORM_IDS "&carrier="));
    for (int i = 0; i < 100; i++)
        buf_byte(&form, 'c');
    buf_str_append(&form, STR("&message="));
    for (int i = 0; i < 16384; i++)
        buf_byte(&form, 'x');
    const struct msg_sms_inbound *message = read_text(FORM, buf_str(&form));
    cr_assert(ne(ptr, (void *)message, NULL), "%s", err.text);
    cr_assert(eq(sz, message->message.len, 16384));
    cr_assert(not(str_present(message->carrier)), "an optional field over its limit is left out");

    buf_byte(&form, 'x');
    body_free(&body);
    cr_assert(eq(ptr, (void *)read_text(FORM, buf_str(&form)), NULL));
    cr_assert(eq(int, err.code, ERR_TOO_LARGE));
    cr_assert(eq(str, err.text, "message: 16385 bytes, limit 16384"));
}

Test(lenient, pairs_beyond_the_limit_are_skipped)
{
    AUTO(buf) form = {0};

    for (int i = 0; i < 3000; i++)
        buf_printf(&form, "x%d=1&", i);
    buf_str_append(&form, STR(FORM_IDS "&message=hi"));

    cr_assert(ne(ptr, (void *)read_text(FORM, buf_str(&form)), NULL), "%s", err.text);
}

Test(strict, documents_may_have_a_byte_order_mark_and_a_charset_and_no_faults)
{
    const struct message_type *list = message_type(MSG_RECEIPT_LIST);
    static const struct str good = STR_INIT("\xEF\xBB\xBF{\"after\":\"\xC3\xBC\"}"),
                            latin = STR_INIT("{\"after\":\"\xFC\"}");

    set_up();
    cr_assert(body_from_bytes(good, STR(JSON), list, BODY_STRICT, &body, &err), "%s", err.text);
    body_free(&body);
    cr_assert(body_from_bytes(latin, STR(JSON ";charset=latin1"), list, BODY_STRICT, &body, &err));
    body_free(&body);
    cr_assert(not(body_from_bytes(latin, STR(JSON), list, BODY_STRICT, &body, &err)));
    cr_assert(not(body_from_bytes(good, STR("text/json"), list, BODY_TOLERANT, &body, &err)));
    cr_assert(eq(int, err.code, ERR_UNSUPPORTED_MEDIA));
    cr_assert(not(body_from_bytes(STR("a=50%"), STR(FORM), list, BODY_TOLERANT, &body, &err)));
    tear_down();
}
