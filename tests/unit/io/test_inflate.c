#include "io/inflate.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static const char gzip_hi[] =
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\xc8\x04\x00\xac\x2a\x93\xd8\x02\x00\x00\x00";
static const char zlib_hi[] = "\x78\x9c\xcb\xc8\x04\x00\x01\x3b\x00\xd2";
static const char raw_hi[] = "\xcb\xc8\x04\x00";
#define BYTES(literal) str_make(literal, sizeof(literal) - 1)

static bool inflated(struct str encoding, struct str body, struct str *text, struct buf *plain,
                     struct err *err)
{
    *text = body;
    return inflate_body(encoding, 100, text, plain, err);
}

Test(inflate, reads_gzip_and_deflate_with_and_without_a_frame)
{
    const struct {
        struct str encoding, body;
    } rows[] = {{STR("gzip"), BYTES(gzip_hi)},    {STR(" X-GZIP "), BYTES(gzip_hi)},
                {STR("deflate"), BYTES(zlib_hi)}, {STR("deflate"), BYTES(raw_hi)},
                {STR("identity"), STR("hi")},     {STR(""), STR("hi")},
                {STR_ABSENT, STR("hi")}};

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(buf) plain = {0};
        struct err err = {0};
        struct str text;
        cr_assert(inflated(rows[i].encoding, rows[i].body, &text, &plain, &err), "%zu: %s", i,
                  err.text);
        cr_assert(str_equal(text, STR("hi")), "%zu", i);
    }
}

Test(inflate, reads_gzip_members_one_after_another)
{
    AUTO(buf) plain = {0}, twice = {0};
    struct err err = {0};
    struct str text;

    buf_str_append(&twice, BYTES(gzip_hi));
    buf_str_append(&twice, BYTES(gzip_hi));
    cr_assert(inflated(STR("gzip"), buf_str(&twice), &text, &plain, &err), "%s", err.text);
    cr_assert(str_equal(text, STR("hihi")));
}

Test(inflate, refuses_other_encodings_and_what_is_none)
{
    const struct {
        struct str encoding, body;
        enum err_code code;
    } rows[] = {{STR("br"), STR("hi"), ERR_UNSUPPORTED_MEDIA},
                {STR("gzip, gzip"), BYTES(gzip_hi), ERR_UNSUPPORTED_MEDIA},
                {STR("gzip"), STR("hi"), ERR_BAD_REQUEST},
                {STR("gzip"), str_make(gzip_hi, 12), ERR_BAD_REQUEST},
                {STR("deflate"), STR("hi"), ERR_BAD_REQUEST},
                {STR("deflate"), str_make(raw_hi, 2), ERR_BAD_REQUEST},
                {STR("gzip"), STR(""), ERR_BAD_REQUEST}};

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(buf) plain = {0};
        struct err err = {0};
        struct str text;
        cr_assert(not(inflated(rows[i].encoding, rows[i].body, &text, &plain, &err)), "%zu", i);
        cr_assert(eq(int, (int)err.code, (int)rows[i].code), "%zu: %s", i, err.text);
    }
}

Test(inflate, stops_a_bomb_at_the_limit)
{
    // 10 kB of zeros in 33 bytes.
    static const char bomb[] =
        "\x78\xda\xed\xc1\x01\x0d\x00\x00\x00\xc2\xa0\xf7\x4f\x6d\x0e\x37\xa0\x00\x00\x00\x00\x00"
        "\x00\x00\x00\x00\xe0\xdf\x00\x27\x10\x00\x01";
    AUTO(buf) plain = {0};
    struct err err = {0};
    struct str text;

    cr_assert(not(inflated(STR("deflate"), BYTES(bomb), &text, &plain, &err)));
    cr_assert(eq(int, (int)err.code, ERR_TOO_LARGE), "%s", err.text);
}
