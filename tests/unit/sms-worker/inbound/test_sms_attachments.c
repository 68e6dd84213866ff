#include "sms-worker/inbound/sms_attachments.h"

#include "base/buf.h"
#include "rows.h"

#define ONE(type, content) "[{\"content_type\":\"" type "\",\"content\":\"" content "\"}]"
#define BROKEN(content)    ONE(UNREADABLE_TYPE, content)

static const struct list_row {
    const char *list, *want; // NULL: no attachment
} list_rows[] = {
    {"[]", NULL},
    {"null", NULL},
    {"{}", NULL},
    {"\"\"", NULL},
    {"[null,{},\" \",[]]", NULL},
    {ONE("image/png", "MTIzNA=="), ONE("image/png", "MTIzNA==")},
    {ONE("image/png", "MTIzNA"), ONE("image/png", "MTIzNA==")},
    {ONE("image/png", "MTIz\\nNA==\\r\\n"), ONE("image/png", "MTIzNA==")},
    {ONE("image/png", " MTIz NTY3 ODk= "), ONE("image/png", "MTIzNTY3ODk=")},
    {ONE("image/png", "-_-_"), ONE("image/png", "+/+/")},
    {ONE("image/png", " /7 + "), ONE("image/png", "/7++")},
    {ONE("image/png", "AB D"), ONE("image/png", "AB+D")},
    {ONE("image/png", ""), ONE("image/png", "")},
    {"{\"content_type\":\"a/b\",\"content\":\"AAAA\"}", ONE("a/b", "AAAA")},
    {"[{\"contentType\":\"a/b\",\"content\":\"AAAA\"}]", ONE("a/b", "AAAA")},
    {"[{\"content_type\":\"a/b\",\"content\":\"AAAA\",\"name\":\"x.png\",\"size\":3}]",
     "[{\"content_type\":\"a/b\",\"name\":\"x.png\",\"content\":\"AAAA\"}]"},
    // other forms of lists
    {"\"[{\\\"content_type\\\":\\\"a/b\\\",\\\"content\\\":\\\"AAAA\\\"}]\"", ONE("a/b", "AAAA")},
    {"\" {\\\"content_type\\\":\\\"a/b\\\",\\\"content\\\":\\\"AAAA\\\"}\"", ONE("a/b", "AAAA")},
    {"\"[]\"", NULL},
    {"{\"0\":{\"content_type\":\"a/b\",\"content\":\"AAAA\"},\"1\":null}", ONE("a/b", "AAAA")},
    // types
    {"[{\"content\":\"AAAA\"}]", ONE("application/octet-stream", "AAAA")},
    {ONE("", "AAAA"), ONE("application/octet-stream", "AAAA")},
    {ONE("jpeg", "AAAA"), ONE("application/octet-stream", "AAAA")},
    {ONE("a/b\\r\\nx: y", "AAAA"), ONE("application/octet-stream", "AAAA")},
    {"[{\"content_type\":7,\"content\":\"AAAA\"}]", ONE("application/octet-stream", "AAAA")},
    // URLs
    {ONE("", "data:image/gif;base64,AAAA"), ONE("image/gif", "AAAA")},
    {ONE("a/b", "data:,a%20b"), ONE("a/b", "YSBi")},
    {"[\"data:image/gif;base64,AAAA\"]", ONE("image/gif", "AAAA")},
    {"[\"https://x/a\"]", ONE("text/uri-list", "aHR0cHM6Ly94L2E=")},
    {"[{\"content_type\":\"image/png\",\"url\":\"http://x/a\"}]",
     ONE("text/uri-list", "aHR0cDovL3gvYQ==")},
    // broken attachments
    {ONE("image/png", "*"), BROKEN("Kg==")},
    {ONE("image/png", "A"), BROKEN("QQ==")},
    {"[7]", BROKEN("Nw==")},
    {"\"[7\"", BROKEN("Ils3Ig==")},
    {"\"none\"", BROKEN("Im5vbmUi")},
    {"[{\"content_type\":\"a/b\"}]", BROKEN("eyJjb250ZW50X3R5cGUiOiJhL2IifQ==")},
    {"[{\"content\":\"AAAA\"},{\"content\":\"*\"}]",
     "[{\"content_type\":\"application/octet-stream\",\"content\":\"AAAA\"},"
     "{\"content_type\":\"" UNREADABLE_TYPE "\",\"content\":\"Kg==\"}]"},
    // large contents, which were stored earlier
    {"[{\"content_type\":\"a/"
     "b\",\"content\":{\"upload\":\"01000000-0000-0000-0000-000000000000\",\"stream\":1,\"bytes\":"
     "\"9\"}}]",
     "[{\"content_type\":\"a/"
     "b\",\"content\":{\"upload\":\"01000000-0000-0000-0000-000000000000\",\"stream\":1,\"bytes\":"
     "\"9\"}}]"},
    {"[{\"content_type\":\"a/"
     "b\",\"content\":{\"upload\":\"01000000-0000-0000-0000-000000000000\",\"stream\":1,\"bytes\":"
     "9,\"broken\":true}}]",
     "[{\"content_type\":\"" UNREADABLE_TYPE
     "\",\"content\":{\"upload\":\"01000000-0000-0000-0000-000000000000\",\"stream\":1,\"bytes\":9,"
     "\"broken\":true}}]"},
};

ROWS_TEST(sms_attachments, are_kept_in_the_form_that_can_be_stored, list_rows)
{
    struct arena *arena = arena_new();

    struct str kept = sms_attachments(arena, str_of(row->list));

    cr_assert(eq(int, str_present(kept), row->want != NULL), "%s", row->list);
    cr_assert(str_equal(kept, str_of(row->want)), "%s: %.*s", row->list, STR_ARG(kept));
    arena_free(&arena);
}

Test(sms_attachments, base64_in_lines_of_76_is_read_with_any_end_of_line)
{
    static const char *const ends[] = {"\n", "\r\n", " "};
    AUTO(buf) bytes = {0}, plain = {0};

    for (int i = 0; i < 500; i++)
        buf_byte(&bytes, (unsigned char)(i * 31));
    buf_base64(&plain, buf_str(&bytes));
    for (size_t e = 0; e < COUNT_OF(ends); e++) {
        struct arena *arena = arena_new();
        AUTO(buf) text = {0}, list = {0}, want = {0};
        for (size_t at = 0; at < plain.len; at += 76)
            buf_printf(&text, "%.*s%s", (int)(plain.len - at < 76 ? plain.len - at : 76),
                       plain.data + at, ends[e]);
        json_open(&list, '{');
        json_key_str(&list, "content_type", STR("a/b"));
        json_key_str(&list, "content", buf_str(&text));
        json_close(&list, '}');
        buf_printf(&want, "[{\"content_type\":\"a/b\",\"content\":\"%.*s\"}]",
                   STR_ARG(buf_str(&plain)));

        cr_assert(str_equal(sms_attachments(arena, buf_str(&list)), buf_str(&want)), "%zu", e);
        arena_free(&arena);
    }
}

#define TEXT(type, content) "{\"content_type\":\"" type "\",\"content\":\"" content "\"}"

static const struct said_row {
    const char *list, *want; // NULL: nothing
} said_rows[] = {
    {"[" TEXT("text/plain", "U1RPUA==") "]", "STOP"},
    {"[" TEXT("application/smil", "PHNtaWw+") "," TEXT("Text/Plain; charset=utf-8", "U1RPUA==") "]",
     "STOP"},
    {"[" TEXT("text/plain; charset=iso-8859-1", "QVJSylQ=") "]", "ARR\xC3\x8AT"},
    {"[" TEXT("text/plain;charset=utf-16", "//5TAFQATwBQAA==") "]", "STOP"},
    {"[" TEXT("text/plain", "U1RPUA==") "," TEXT("text/plain", "U1RPUA==") "]", NULL},
    {"[" TEXT("text/html", "U1RPUA==") "]", NULL},
    {"[" TEXT("text/plain", "IAo=") "]", NULL},
    {"[" TEXT("text/plain", "") "]", NULL},
    {"[{\"content_type\":\"text/"
     "plain\",\"content\":{\"upload\":\"01000000-0000-0000-0000-000000000000\","
     "\"stream\":1,\"bytes\":9}}]",
     NULL},
    {"[]", NULL},
};

ROWS_TEST(sms_attachments, a_single_text_among_them_is_the_text_of_the_message, said_rows)
{
    struct arena *arena = arena_new();

    struct str said = sms_attachments_text(arena, sms_attachments(arena, str_of(row->list)));

    cr_assert(eq(int, str_present(said), row->want != NULL), "%s", row->list);
    cr_assert(str_equal(said, str_of(row->want)), "%s: %.*s", row->list, STR_ARG(said));
    arena_free(&arena);
}
