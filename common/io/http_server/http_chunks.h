// http_chunks: a chunked body as it comes, read strictly (RFC 9112, 7.1), without I/O. Every byte
// is checked here before libh2o's more tolerant decoder or a handler sees it: if a proxy saw the
// end of a chunk elsewhere than we do, one client could slip requests into another's connection.
//
// Refused: a line of the framing that does not end in CR LF, a size that is not 1 to 8 hexadecimal
// digits, anything between it and CR LF but an extension that begins with ";", control characters
// in extensions and trailers, a chunk longer or shorter than it says, a trailer line that is no
// header line, extensions or trailers over their limits.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    HTTP_CHUNK_EXTENSIONS_LIMIT = 4096, // bytes, of all chunks of a body together
    HTTP_TRAILERS_LIMIT = 4096          // bytes
};

// Zeroed: a body of which nothing has come.
struct http_chunks {
    enum {
        CHUNK_SIZE,
        CHUNK_EXTENSION,
        CHUNK_SIZE_LF,
        CHUNK_DATA,
        CHUNK_DATA_CR,
        CHUNK_DATA_LF,
        CHUNK_TRAILER, // at the start of a line
        CHUNK_TRAILER_NAME,
        CHUNK_TRAILER_VALUE,
        CHUNK_TRAILER_LF,
        CHUNK_LAST_LF,
        CHUNKS_ENDED
    } at;
    uint64_t left;               // of this chunk's data
    uint64_t data;               // bytes of data in all chunks begun so far
    size_t digits;               // of this chunk's size
    size_t extensions, trailers; // bytes so far
};

// Reads the bytes that came. *used: how many of them belong to the body; fewer than all if it ends
// among them. The content of the chunks is appended to data, which may be NULL. ERR_BAD_REQUEST
// names the rule.
MUST_USE bool http_chunks_read(struct http_chunks *chunks, struct str bytes, size_t *used,
                               struct buf *data, struct err *err);
