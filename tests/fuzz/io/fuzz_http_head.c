// Heads of requests: the end of a head does not depend on how its bytes arrived, and an accepted length
// is right.
#include "tests/fuzz/fuzz.h"

#include "io/http_server/http_framing.h"

FUZZ(bytes)
{
    struct http_head head;
    struct err err;
    size_t end = http_head_end(bytes, 0);

    for (size_t received = 1, seen = 0; received <= bytes.len; seen = received++) {
        size_t found = http_head_end(str_make(bytes.ptr, received), seen);
        ASSERT(found == 0 || found == end);
        if (found)
            break;
    }
    ASSERT(end <= bytes.len);
    if (end > 0 && http_head_check(str_make(bytes.ptr, end), &head, &err)) {
        ASSERT(head.content_length >= -1);
        ASSERT(!head.chunked || head.content_length == -1);
    }
}
