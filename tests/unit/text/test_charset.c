#include "text/charset.h"

#include "rows.h"

static struct str decoded(const char *name, struct str bytes, struct buf *out)
{
    charset_decode(name ? charset_find(str_of(name)) : NULL, bytes, out);
    return buf_str(out);
}

static const struct decode_row {
    const char *charset; // NULL: none declared
    struct str bytes, want;
} decode_rows[] = {
    {NULL, STR_INIT("Gr\xC3\xBC\xC3\x9F"), STR_INIT("Gr\xC3\xBC\xC3\x9F")},
    {NULL, STR_INIT("Gr\xFC\xDF"), STR_INIT("Gr\xC3\xBC\xC3\x9F")},
    {NULL, STR_INIT("\x80 5"), STR_INIT("\xE2\x82\xAC 5")},
    {NULL, STR_INIT("a\0b"),
     STR_INIT("a\xEF\xBF\xBD"
              "b")},
    {NULL, STR_INIT("\xC3\xBC cut \xC3"), STR_INIT("\xC3\xBC cut \xEF\xBF\xBD")},
    {NULL, STR_INIT("\xED\xA0\xBD\xED\xB8\x80"), STR_INIT("\xF0\x9F\x98\x80")}, // CESU-8
    {"utf-8", STR_INIT("a\xED\xA0\xBD\xED\xB8\x80"), STR_INIT("a\xF0\x9F\x98\x80")},
    {"utf-8",
     STR_INIT("\xED\xB8\x80"
              "a\xED\xA0"),
     STR_INIT("\xEF\xBF\xBD"
              "a\xEF\xBF\xBD\xEF\xBF\xBD")},
    {"utf-8", STR_INIT("Gr\xFC"), STR_INIT("Gr\xEF\xBF\xBD")},
    {"UTF8", STR_INIT("\xF0\x9F\x98\x80"), STR_INIT("\xF0\x9F\x98\x80")},
    {"us-ascii", STR_INIT("\xE4"), STR_INIT("\xC3\xA4")},
    {"no-such-charset", STR_INIT("\xE4"), STR_INIT("\xC3\xA4")},
    {"iso-8859-1", STR_INIT("\xE4\x80"), STR_INIT("\xC3\xA4\xE2\x82\xAC")},
    {"ISO_8859-1:1987", STR_INIT("\xC3\xBC"), STR_INIT("\xC3\x83\xC2\xBC")},
    {"latin1", STR_INIT("\x81"), STR_INIT("\xC2\x81")},
    {"Windows-1252", STR_INIT("\x93x\x94"), STR_INIT("\xE2\x80\x9Cx\xE2\x80\x9D")},
    {"iso-8859-15", STR_INIT("\xA4"), STR_INIT("\xE2\x82\xAC")},
    {"windows-1251", STR_INIT("\xCF\xF0"), STR_INIT("\xD0\x9F\xD1\x80")},
    {"windows-1255", STR_INIT("\xF9\xEC\xE5\xED"), STR_INIT("\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D")},
    {"windows-1258", STR_INIT("STOP"), STR_INIT("STOP")},
    {"windows-1258", STR_INIT("e\xF2"), STR_INIT("\xE1\xBA\xB9")},
    {"windows-1258", STR_INIT("a\xD2"), STR_INIT("\xE1\xBA\xA3")},
    {"koi8-r", STR_INIT("\xF0"), STR_INIT("\xD0\x9F")},
    {"shift_jis", STR_INIT("\x82\xA0"), STR_INIT("\xE3\x81\x82")},
    {"gbk", STR_INIT("\xC4\xE3"), STR_INIT("\xE4\xBD\xA0")},
    {"big5", STR_INIT("\xA7\x41"), STR_INIT("\xE4\xBD\xA0")},
    {"euc-kr", STR_INIT("\xB0\xA1"), STR_INIT("\xEA\xB0\x80")},
    {"euc-kr", STR_INIT("\xB0"), STR_INIT("\xEF\xBF\xBD")},
    {"utf-16", STR_INIT("\xFF\xFEh\0i\0"), STR_INIT("hi")},
    {"utf-16", STR_INIT("\xFE\xFF\0h\0i"), STR_INIT("hi")},
    {"utf-16", STR_INIT("h\0i\0"), STR_INIT("hi")},
    {"utf-16", STR_INIT("\x4F\x60"), STR_INIT("\xE4\xBD\xA0")},
    {"utf-16le", STR_INIT("\x3D\xD8\x00\xDE"), STR_INIT("\xF0\x9F\x98\x80")},
    {"utf-16be", STR_INIT("\xD8\x3D\xDE\x00"), STR_INIT("\xF0\x9F\x98\x80")},
    {"utf-16be", STR_INIT("\xD8\x3D\0a"),
     STR_INIT("\xEF\xBF\xBD"
              "a")},
    {"utf-16le", STR_INIT("a\0\0\0b"), STR_INIT("a\xEF\xBF\xBD\xEF\xBF\xBD")},
    {"utf-16le", STR_INIT("\xEF\xBB\xBF\xBB"), STR_INIT("\xEB\xAF\xAF\xEB\xAE\xBF")},
    {"utf-32", STR_INIT("\xFF\xFE\0\0\xFC\0\0\0"), STR_INIT("\xC3\xBC")},
    {"utf-32", STR_INIT("\0\0\0\xFC"), STR_INIT("\xC3\xBC")},
    {"iso-2022-jp", STR_INIT("a\xE4"), STR_INIT("a\xC3\xA4")},
};

ROWS_TEST(charset, reads_what_senders_use, decode_rows)
{
    AUTO(buf) out = {0};

    struct str text = decoded(row->charset, row->bytes, &out);

    cr_assert(str_equal(text, row->want), "%s: %.*s", row->charset, STR_ARG(text));
}

Test(charset, gives_well_formed_text_for_any_bytes)
{
    static const char *const names[] = {NULL,    "utf-8",  "utf-16",      "iso-8859-1",
                                        "gbk",   "euc-jp", "big5",        "shift_jis",
                                        "cp949", "utf-32", "windows-1253"};
    char bytes[256 * 3];
    size_t fault;

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 167 + i / 256);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        AUTO(buf) out = {0};
        cr_assert(str_is_utf8(decoded(names[i], str_make(bytes, sizeof bytes), &out), &fault), "%s",
                  names[i]);
    }
}

Test(charset, is_determined_by_a_byte_order_mark)
{
    struct str utf8 = STR("\xEF\xBB\xBF{}"), little = STR("\xFF\xFE{\0"), none = STR("{}"),
               unmarked = STR("{\0}\0");

    cr_assert(charset_is_utf8(charset_of_mark(&utf8)));
    cr_assert(str_equal(utf8, STR("{}")));
    cr_assert(charset_is_utf16(charset_of_mark(&little)));
    cr_assert(eq(sz, little.len, 2));
    cr_assert(charset_is_utf16(charset_of_mark(&unmarked)));
    cr_assert(eq(sz, unmarked.len, 4));
    cr_assert(eq(ptr, (void *)charset_of_mark(&none), NULL));
}

static const struct mark_row {
    struct str bytes, want;
} mark_rows[] = {
    {STR_INIT("\xFF\xFE\0\0{\0\0\0"), STR_INIT("{")},
    {STR_INIT("\0\0\xFE\xFF\0\0\0{"), STR_INIT("{")},
    {STR_INIT("{\0\0\0"), STR_INIT("{")},
    {STR_INIT("\0\0\0{"), STR_INIT("{")},
    {STR_INIT("{\0}\0"), STR_INIT("{}")},
    {STR_INIT("\0{\0}"), STR_INIT("{}")},
    {STR_INIT("\xFF\xFE{\0"), STR_INIT("{")},
};

ROWS_TEST(charset, utf_16_and_utf_32_are_recognized_by_the_first_bytes, mark_rows)
{
    struct str bytes = row->bytes;
    AUTO(buf) out = {0};

    const struct charset *charset = charset_of_mark(&bytes);

    cr_assert(charset != NULL);
    charset_decode(charset, bytes, &out);
    cr_assert(str_equal(buf_str(&out), row->want), "%.*s", STR_ARG(buf_str(&out)));
}

Test(charset, may_be_declared_in_a_media_type)
{
    cr_assert(
        charset_is_utf16(charset_of_type(STR("text/plain; format=flowed; Charset=\"UTF-16\""))));
    cr_assert(charset_is_utf8(charset_of_type(STR("text/plain;charset=utf-8;charset=utf-8"))));
    cr_assert(eq(ptr, (void *)charset_of_type(STR("text/plain")), NULL));
    cr_assert(eq(ptr, (void *)charset_of_type(STR_ABSENT), NULL));
}
