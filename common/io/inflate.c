// inflate: see the header.
#include "io/inflate.h"

#include "base/panic.h"

#include <zlib.h>

enum { STEP_BYTES = 16 * 1024, ANY_FRAME = 15 + 32, NO_FRAME = -15 };

static bool broken(struct err *err)
{
    return err_set(err, ERR_BAD_REQUEST, "the body is not what its Content-Encoding says");
}

// Several gzip members one after another are one text (RFC 1952, 2.2).
static bool inflate_as(int frame, struct str body, size_t limit, struct buf *plain, struct err *err)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)body.ptr, .avail_in = (uInt)body.len};
    int result = Z_OK;

    buf_clear(plain);
    ASSERT(inflateInit2(&stream, frame) == Z_OK);
    while (result == Z_OK && plain->len <= limit) {
        stream.next_out = (Bytef *)buf_reserve(plain, STEP_BYTES);
        stream.avail_out = STEP_BYTES;
        result = inflate(&stream, Z_NO_FLUSH);
        plain->len += STEP_BYTES - stream.avail_out;
        if (result == Z_STREAM_END && stream.avail_in > 0)
            result = inflateReset(&stream);
    }
    inflateEnd(&stream);
    if (plain->len > limit)
        return err_set(err, ERR_TOO_LARGE, "the body is longer than %zu bytes when inflated",
                       limit);
    return result == Z_STREAM_END || broken(err);
}

bool inflate_body(struct str encoding, size_t limit, struct str *body, struct buf *plain,
                  struct err *err)
{
    struct str name = str_present(encoding) ? str_trim(encoding) : STR("identity");
    bool deflate = str_equal_ignoring_case(name, STR("deflate"));

    if (name.len == 0 || str_equal_ignoring_case(name, STR("identity")))
        return true;
    if (!deflate && !str_equal_ignoring_case(name, STR("gzip")) &&
        !str_equal_ignoring_case(name, STR("x-gzip")))
        return err_set(err, ERR_UNSUPPORTED_MEDIA, "Content-Encoding is gzip or deflate");
    if (body->len > limit)
        return err_set(err, ERR_TOO_LARGE, "the body is longer than %zu bytes", limit);
    if (!inflate_as(ANY_FRAME, *body, limit, plain, err) &&
        !(deflate && err->code == ERR_BAD_REQUEST &&
          inflate_as(NO_FRAME, *body, limit, plain, err)))
        return false;
    *body = buf_str(plain);
    return true;
}
