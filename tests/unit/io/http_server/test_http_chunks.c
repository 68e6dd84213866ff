// How strictly the chunks of a body are read.
#include "io/http_server/http_chunks.h"

#include "base/buf.h"
#include "tests/unit/io/http_server/http_probes.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

// Reads the body in pieces of that many bytes; *used: how many belong to it. data gets its content.
static bool read_in_pieces(struct str body, size_t piece, struct http_chunks *chunks, size_t *used,
                           struct buf *data, struct err *err)
{
    *used = 0;
    *chunks = (struct http_chunks){0};
    while (*used < body.len && chunks->at != CHUNKS_ENDED) {
        size_t left = body.len - *used, took = 0;
        struct str next = str_make(body.ptr + *used, left < piece ? left : piece);
        if (!http_chunks_read(chunks, next, &took, data, err))
            return false;
        *used += took;
    }
    return true;
}

Test(chunks, refuses_bodies_that_two_readers_could_end_at_different_places)
{
    for (size_t i = 0; i < COUNT_OF(chunk_probes); i++) {
        for (size_t piece = 1; piece < 40; piece += 19) {
            struct http_chunks chunks;
            struct err err = {0};
            size_t used;

            bool read = read_in_pieces(chunk_probes[i].head, piece, &chunks, &used, NULL, &err);

            cr_expect(not(read), "%s", chunk_probes[i].name);
            cr_expect(eq(int, (int)err.code, ERR_BAD_REQUEST), "%s", chunk_probes[i].name);
        }
    }
}

static const struct chunks_row {
    struct str body;
    size_t used;
    struct str data;
} chunks_rows[] = {
    {STR_INIT("0\r\n\r\n"), 5, STR_INIT("")},
    {STR_INIT("5\r\nhello\r\n0\r\n\r\nGET /"), 15, STR_INIT("hello")},
    {STR_INIT("00000005;a=\"b c\"\r\nhello\r\n000;x\r\n\r\n"), 34, STR_INIT("hello")},
    {STR_INIT("a\r\n0123456789\r\nB\r\n\r\n\r\n\r\n\r\n\r\n\0\r\n0\r\n\r\n"), 36,
     STR_INIT("0123456789\r\n\r\n\r\n\r\n\r\n\0")},
    {STR_INIT("1\r\na\r\n0\r\nDigest: abc\r\nX:\r\n\r\n0\r\n\r\n"), 28, STR_INIT("a")},
};

Test(chunks, finds_the_end_of_a_body_in_whatever_pieces_it_comes)
{
    for (size_t i = 0; i < COUNT_OF(chunks_rows); i++) {
        for (size_t piece = 1; piece < 60; piece++) {
            AUTO(buf) data = {0};
            struct http_chunks chunks;
            struct err err = {0};
            size_t used;

            cr_expect(read_in_pieces(chunks_rows[i].body, piece, &chunks, &used, &data, &err),
                      "%zu: %s", i, err.text);
            cr_expect(eq(int, (int)chunks.at, (int)CHUNKS_ENDED), "%zu", i);
            cr_expect(eq(sz, used, chunks_rows[i].used), "%zu", i);
            cr_expect(eq(u64, chunks.data, chunks_rows[i].data.len), "%zu", i);
            cr_expect(str_equal(buf_str(&data), chunks_rows[i].data), "%zu", i);
        }
    }
}

static bool too_much_is_refused(const char *begin, const char *more, const char *rule)
{
    AUTO(buf) body = {0};
    struct http_chunks chunks;
    struct err err = {0};
    size_t used;

    buf_str_append(&body, str_of(begin));
    while (body.len < 8000)
        buf_str_append(&body, str_of(more));
    return !read_in_pieces(buf_str(&body), 1000, &chunks, &used, NULL, &err) &&
           strstr(err.text, rule);
}

Test(chunks, extensions_and_trailers_have_limits)
{
    cr_assert(too_much_is_refused("1;", "a", "extensions"));
    cr_assert(too_much_is_refused("", "1;aaaaaaaaaaaaaaaa\r\nx\r\n", "extensions"));
    cr_assert(too_much_is_refused("0\r\n", "A: b\r\n", "trailers"));
}
