// Compressed bodies: the output does not depend on how the input is cut, and stops at the limit.
#include "tests/fuzz/fuzz.h"

#include "base/buf.h"
#include "io/zlib/gunzip.h"

enum { LIMIT = 100000 };

static bool take(void *context, struct str bytes, struct err *err)
{
    struct buf *plain = context;

    ASSERT(bytes.len > 0 && bytes.len <= GUNZIP_PIECE_BYTES);
    buf_str_append(plain, bytes);
    return plain->len <= LIMIT || err_set(err, ERR_TOO_LARGE, "too much");
}

static bool undo(struct str bytes, bool is_deflate, size_t step, struct buf *plain)
{
    struct gunzip *gunzip = gunzip_new(is_deflate);
    struct err err;
    bool ok = true;

    for (size_t at = 0; ok && at < bytes.len; at += step)
        ok = gunzip_feed(gunzip,
                         str_make(bytes.ptr + at, bytes.len - at < step ? bytes.len - at : step),
                         take, plain, &err);
    ok = ok && gunzip_end(gunzip, &err);
    gunzip_free(&gunzip);
    return ok;
}

FUZZ(bytes)
{
    bool is_deflate = fuzz_choice(&bytes, 2);
    AUTO(buf) whole = {0};
    AUTO(buf) cut = {0};

    bool ok = undo(bytes, is_deflate, 1000000, &whole);
    ASSERT(undo(bytes, is_deflate, 7, &cut) == ok);
    if (ok)
        ASSERT(str_equal(buf_str(&whole), buf_str(&cut)));
}
