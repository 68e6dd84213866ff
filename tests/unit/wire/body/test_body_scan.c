#include "wire/body/body_scan.h"

#include "rows.h"

#include "wire/json/codec_json.h"

enum { REST_LIMIT = 64 * 1024, LONG = 6000 };

static struct body_scan scan;
static struct buf taken; // of all streams, "|" before each
static unsigned last_stream;
static struct err err;

static void take(void *context, unsigned stream, struct str bytes)
{
    (void)context;
    if (stream != last_stream)
        buf_byte(&taken, '|');
    last_stream = stream;
    buf_str_append(&taken, bytes);
}

static void set_up(void)
{
    last_stream = 0;
    buf_clear(&taken);
    err = (struct err){0};
}

static void tear_down(void)
{
    body_scan_release(&scan);
    buf_release(&taken);
}

TestSuite(body_scan, .init = set_up, .fini = tear_down);

static bool scan_all(enum body_scan_format format, struct str body, size_t step)
{
    struct id upload = {.bytes = {1}};

    body_scan_init(&scan, format, upload, REST_LIMIT, take, NULL);
    for (size_t at = 0; at < body.len; at += step)
        if (!body_scan_feed(
                &scan, str_make(body.ptr + at, body.len - at < step ? body.len - at : step), &err))
            return false;
    return body_scan_end(&scan, &err);
}

// LONG bytes, and their base64 between before and behind.
static void long_content(struct buf *bytes, struct buf *body, const char *before,
                         const char *behind)
{
    for (int i = 0; i < LONG; i++)
        buf_byte(bytes, (unsigned char)(i * 7));
    buf_printf(body, "%s", before);
    buf_base64(body, buf_str(bytes));
    buf_printf(body, "%s", behind);
}

// clang-format off
#define REFERENCE "{\"upload\":\"01000000-0000-0000-0000-000000000000\",\"stream\":1,\"bytes\":6000,\"digest\":\"69f0c4989c2f2a65\"}"

static const struct place_row {
    enum body_scan_format format;
    const char *before, *behind, *rest; // NULL: as it was
} places[] = {
    {BODY_SCAN_JSON, "{\"a\":[{\"content\":\"", "\",\"b\":1}]}", "{\"a\":[{\"content\":" REFERENCE ",\"b\":1}]}"},
    {BODY_SCAN_JSON, "{ \"content\" : \"", "\" }", "{ \"content\" : " REFERENCE " }"},
    {BODY_SCAN_JSON, "{\"x\":\"content\",\"content\":\"", "\"}", "{\"x\":\"content\",\"content\":" REFERENCE "}"},
    {BODY_SCAN_JSON, "{\"content\":\"data:image/png;base64,", "\"}", "{\"content\":" REFERENCE "}"},
    {BODY_SCAN_JSON, "{\"content\":\"DATA:image/png;base64,", "\"}", "{\"content\":" REFERENCE "}"},
    {BODY_SCAN_JSON, "{\"contents\":\"", "\"}", NULL},
    {BODY_SCAN_JSON, "{\"message\":\"", "\"}", NULL},
    {BODY_SCAN_JSON, "[\"content\",\"", "\"]", NULL},
    {BODY_SCAN_JSON, "{\"a\\\"content\":\"", "\"}", NULL},
    {BODY_SCAN_FORM, "b=1&a[0].content=", "&c=2",
     "b=1&a[0].content[upload]=01000000-0000-0000-0000-000000000000&a[0].content[stream]=1&a[0].content[bytes]=6000&a[0].content[digest]=69f0c4989c2f2a65&c=2"},
    {BODY_SCAN_FORM, "a%5B0%5D%5Bcontent%5D=", "",
     "a%5B0%5D%5Bcontent%5D[upload]=01000000-0000-0000-0000-000000000000&a%5B0%5D%5Bcontent%5D[stream]=1"
     "&a%5B0%5D%5Bcontent%5D[bytes]=6000&a%5B0%5D%5Bcontent%5D[digest]=69f0c4989c2f2a65"},
    {BODY_SCAN_FORM, "discontent=", "", NULL},
    {BODY_SCAN_FORM, "message=", "", NULL},
    {BODY_SCAN_NOTHING, "{\"content\":\"", "\"}", NULL},
};
// clang-format on
ROWS_TEST(body_scan, takes_out_long_contents_and_nothing_else, places)
{
    static const size_t steps[] = {1, 7, 4096, 100000};
    AUTO(buf) bytes = {0};
    AUTO(buf) body = {0};

    long_content(&bytes, &body, row->before, row->behind);
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        set_up();
        body_scan_release(&scan);
        cr_assert(scan_all(row->format, buf_str(&body), steps[i]), "%s", err.text);
        struct str want = row->rest ? str_of(row->rest) : buf_str(&body);
        cr_assert(str_equal(buf_str(&scan.rest), want), "%s: %.*s", row->before, 300,
                  scan.rest.data);
        if (row->rest)
            cr_assert(str_equal(str_skip(buf_str(&taken), 1), buf_str(&bytes)), "%s", row->before);
        else
            cr_assert(eq(sz, taken.len, 0));
    }
}

Test(body_scan, leaves_short_contents_where_they_are)
{
    const struct str body = STR("{\"mms_attachment\":[{\"content\":\"AAAA\"}]}");

    cr_assert(scan_all(BODY_SCAN_JSON, body, 3), "%s", err.text);

    cr_assert(str_equal(buf_str(&scan.rest), body));
}

static const struct fault_row {
    enum body_scan_format format;
    const char *before, *behind;
    enum err_code code; // ERR_OK: it is kept, and marked
} faults[] = {
    {BODY_SCAN_JSON, "{\"content\":\"", "A*\"}", ERR_OK},
    {BODY_SCAN_JSON, "{\"content\":\"", "=AAA\"}", ERR_OK},
    {BODY_SCAN_JSON, "{\"content\":\"", "A\"}", ERR_OK},
    {BODY_SCAN_JSON, "{\"content\":\"", "\\u00e4\"}", ERR_OK},
    {BODY_SCAN_JSON, "{\"content\":\"", "\\u00", ERR_BAD_REQUEST},
    {BODY_SCAN_JSON, "{\"content\":\"", "AAAA", ERR_BAD_REQUEST},
    {BODY_SCAN_FORM, "content=", "%4", ERR_OK},
    {BODY_SCAN_FORM, "content=", "%zz", ERR_OK},
    {BODY_SCAN_FORM, "content=", "data:", ERR_OK},
};
ROWS_TEST(body_scan, marks_contents_that_are_not_base64, faults)
{
    AUTO(buf) bytes = {0};
    AUTO(buf) body = {0};

    long_content(&bytes, &body, row->before, row->behind);

    bool good = scan_all(row->format, buf_str(&body), 11);

    cr_assert(eq(int, good, row->code == ERR_OK), "%s: %s", row->behind, err.text);
    if (good)
        cr_assert(ne(ptr, strstr(buf_c_string(&scan.rest), "broken"), NULL), "%s", row->behind);
    else
        cr_assert(eq(int, err.code, row->code), "%s: %s", row->behind, err.text);
}

Test(body_scan, bounds_the_rest)
{
    AUTO(buf) body = {0};

    buf_printf(&body, "{\"message\":\"");
    memset(buf_reserve(&body, REST_LIMIT), 'x', REST_LIMIT);
    body.len += REST_LIMIT;

    cr_assert(eq(int, scan_all(BODY_SCAN_JSON, buf_str(&body), 1000), false));
    cr_assert(eq(int, err.code, ERR_TOO_LARGE));
}

Test(body_scan, bounds_the_contents)
{
    AUTO(buf) body = {0};

    buf_printf(&body, "content=");
    memset(buf_reserve(&body, 7 * 1024 * 1024), 'A', 7 * 1024 * 1024);
    body.len += 7 * 1024 * 1024;

    cr_assert(eq(int, scan_all(BODY_SCAN_FORM, buf_str(&body), 16384), false));
    cr_assert(eq(int, err.code, ERR_TOO_LARGE));
}

static const struct broken_row {
    enum body_scan_format format;
    const char *before, *behind, *want; // what the text behind becomes
} broken_rows[] = {
    {BODY_SCAN_JSON, "{\"content\":\"", "*not \\u00e4 \\u20ac\\n\\\"base64\\\"\"}",
     "*not \xC3\xA4 \xE2\x82\xAC\n\"base64\""},
    {BODY_SCAN_FORM, "content=", "*a%20b+c%zd", "*a b+czd"},
};
ROWS_TEST(body_scan, keeps_contents_that_are_not_base64, broken_rows)
{
    AUTO(buf) bytes = {0};
    AUTO(buf) body = {0};

    long_content(&bytes, &body, row->before, row->behind);

    cr_assert(scan_all(row->format, buf_str(&body), 11), "%s", err.text);
    cr_assert(str_ends(buf_str(&taken), str_of(row->want)), "%.*s",
              (int)(taken.len < 40 ? taken.len : 40),
              taken.data + (taken.len < 40 ? 0 : taken.len - 40));
}

Test(body_scan, takes_short_contents_out_if_there_are_many)
{
    AUTO(buf) body = {0};

    buf_str_append(&body, STR("{\"mms_attachment\":["));
    for (int i = 0; i < 150; i++) {
        buf_str_append(&body, STR("{\"content\":\""));
        memset(buf_reserve(&body, 4000), 'A', 4000);
        body.len += 4000;
        buf_str_append(&body, STR("\"},"));
    }
    buf_str_append(&body, STR("null]}"));

    cr_assert(scan_all(BODY_SCAN_JSON, buf_str(&body), 1000), "%s", err.text);
    cr_assert(scan.rest.len < 2 * BODY_CROWDED);
}
