// gunzip: see the header.
#include "io/zlib/gunzip.h"

#include "base/heap.h"
#include "base/panic.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    ANY_HEADER = 15 + 32, // the largest window; gzip's header or zlib's
    NO_HEADER = -15,      // as some send deflate
    ZLIB_METHOD = 8,      // in the low bits of its first byte
    GZIP_FIRST = 0x1f,    // no deflate without a header begins so: its block type is reserved
};

struct gunzip {
    z_stream stream;
    bool may_be_bare, is_begun, has_ended;
};

struct gunzip *gunzip_new(bool is_deflate)
{
    struct gunzip *gunzip = heap_new(sizeof *gunzip);

    if (inflateInit2(&gunzip->stream, ANY_HEADER) != Z_OK)
        panic("out of memory");
    gunzip->may_be_bare = is_deflate;
    return gunzip;
}

void gunzip_free(struct gunzip **gunzip)
{
    if (!*gunzip)
        return;
    inflateEnd(&(*gunzip)->stream);
    free(*gunzip);
    *gunzip = NULL;
}

static bool broken(struct err *err)
{
    return err_set(err, ERR_BAD_REQUEST, "the body is not what its Content-Encoding says");
}

static bool is_bare(unsigned char first)
{
    return (first & 0xf) != ZLIB_METHOD && first != GZIP_FIRST;
}

bool gunzip_feed(struct gunzip *gunzip, struct str bytes, gunzip_give_fn *give, void *context,
                 struct err *err)
{
    z_stream *stream = &gunzip->stream;
    unsigned char out[GUNZIP_PIECE_BYTES], in[GUNZIP_PIECE_BYTES];

    while (bytes.len > 0) {
        size_t taken = bytes.len < sizeof in ? bytes.len : sizeof in;
        memcpy(in, bytes.ptr, taken); // zlib wants what it may change
        bytes = str_skip(bytes, taken);
        if (gunzip->may_be_bare && !gunzip->is_begun && is_bare(in[0]) &&
            inflateReset2(stream, NO_HEADER) != Z_OK)
            return broken(err);
        gunzip->is_begun = true;
        stream->next_in = in;
        stream->avail_in = (unsigned)taken;
        do {
            if (gunzip->has_ended && stream->avail_in > 0) { // several, one behind the other
                if (inflateReset(stream) != Z_OK)
                    return broken(err);
                gunzip->has_ended = false;
            }
            stream->next_out = out;
            stream->avail_out = sizeof out;
            int result = inflate(stream, Z_NO_FLUSH);
            if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
                return broken(err);
            gunzip->has_ended = result == Z_STREAM_END;
            size_t made = sizeof out - stream->avail_out;
            if (made > 0 && !give(context, str_make(out, made), err))
                return false;
        } while (stream->avail_in > 0 || (stream->avail_out == 0 && !gunzip->has_ended));
    }
    return true;
}

bool gunzip_end(const struct gunzip *gunzip, struct err *err)
{
    return (gunzip->is_begun && gunzip->has_ended) || broken(err);
}

void gzip(struct str bytes, struct buf *out)
{
    enum { WINDOW_AND_GZIP = 15 + 16, MEMORY = 8 };
    z_stream stream = {0};

    if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, WINDOW_AND_GZIP, MEMORY,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        panic("out of memory");
    uLong bound = deflateBound(&stream, bytes.len);
    stream.next_in = (unsigned char *)(uintptr_t)bytes.ptr;
    stream.avail_in = (uInt)bytes.len;
    stream.next_out = (unsigned char *)buf_reserve(out, bound);
    stream.avail_out = (uInt)bound;
    ASSERT(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    out->len += stream.total_out;
    deflateEnd(&stream);
}
