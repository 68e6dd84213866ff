// Chunked bodies: the end of a body, and whether it is valid, do not depend on how its bytes arrived.
#include "tests/fuzz/fuzz.h"

#include "io/http_server/http_chunks.h"

FUZZ(bytes)
{
    struct http_chunks whole = {0}, pieces = {0};
    AUTO(buf) data = {0}, data_of_pieces = {0};
    struct err err;
    size_t piece = fuzz_choice(&bytes, 7) + 1, used = 0, took = 0, at = 0;
    bool good = http_chunks_read(&whole, bytes, &used, &data, &err), piecewise = true;

    while (piecewise && at < bytes.len && pieces.at != CHUNKS_ENDED) {
        size_t left = bytes.len - at;
        piecewise = http_chunks_read(&pieces, str_make(bytes.ptr + at, left < piece ? left : piece),
                                     &took, &data_of_pieces, &err);
        at += took;
    }
    ASSERT(good == piecewise);
    if (!good)
        return;
    ASSERT(used == at && used <= bytes.len);
    ASSERT(str_equal(buf_str(&data), buf_str(&data_of_pieces)));
    ASSERT(data.len == whole.data - (whole.at == CHUNK_DATA ? whole.left : 0));
    ASSERT(whole.at == pieces.at && whole.data == pieces.data && whole.left == pieces.left);
    ASSERT(whole.at == CHUNKS_ENDED || used == bytes.len);
}
