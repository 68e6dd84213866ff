#include "io/zlib/gunzip.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

// "a text", as zlib writes it with each of the frames that senders use.
static const unsigned char bare[] = {0x4b, 0x54, 0x28, 0x49, 0xad, 0x28, 0x01, 0x00};
static const unsigned char zlib[] = {0x78, 0x9c, 0x4b, 0x54, 0x28, 0x49, 0xad,
                                     0x28, 0x01, 0x00, 0x07, 0x4f, 0x02, 0x47};

#define BYTES(array) str_make((const char *)(array), sizeof(array))

static bool take(void *context, struct str bytes, struct err *err)
{
    (void)err;
    buf_str_append(context, bytes);
    return true;
}

// Byte by byte, as a slow sender's bytes come.
static bool inflates(struct str bytes, bool is_deflate, struct buf *plain)
{
    struct gunzip *gunzip = gunzip_new(is_deflate);
    struct err err;
    bool good = true;

    for (size_t i = 0; good && i < bytes.len; i++)
        good = gunzip_feed(gunzip, str_make(bytes.ptr + i, 1), take, plain, &err);
    good = good && gunzip_end(gunzip, &err);
    gunzip_free(&gunzip);
    return good;
}

Test(gunzip, reads_deflate_with_the_frame_of_zlib_of_gzip_or_without_any)
{
    AUTO(buf) as_gzip = {0};
    gzip(STR("a text"), &as_gzip);
    const struct str sent[] = {BYTES(zlib), BYTES(bare), buf_str(&as_gzip)};

    for (size_t i = 0; i < COUNT_OF(sent); i++) {
        AUTO(buf) plain = {0};
        cr_expect(inflates(sent[i], true, &plain), "%zu", i);
        cr_expect(str_equal(buf_str(&plain), STR("a text")), "%zu", i);
    }
}

Test(gunzip, reads_gzip_in_several_members_and_refuses_what_has_no_frame)
{
    AUTO(buf) two = {0};
    AUTO(buf) plain = {0};
    gzip(STR("a "), &two);
    gzip(STR("text"), &two);

    cr_assert(inflates(buf_str(&two), false, &plain));
    cr_expect(str_equal(buf_str(&plain), STR("a text")));
    cr_expect(not(inflates(BYTES(bare), false, &plain)));
}

Test(gunzip, refuses_truncated_input)
{
    for (size_t length = 0; length < sizeof zlib; length++) {
        AUTO(buf) plain = {0};
        cr_expect(not(inflates(str_make((const char *)zlib, length), true, &plain)), "%zu", length);
    }
}
