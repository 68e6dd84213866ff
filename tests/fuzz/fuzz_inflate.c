// Compressed bodies: no more than the limit comes out, whatever goes in.
#include "fuzz.h"

#include "io/inflate.h"

FUZZ(bytes)
{
    static const struct str encodings[] = {STR_INIT("gzip"), STR_INIT("deflate"), STR_INIT("br")};
    struct str encoding = encodings[fuzz_choice(&bytes, COUNT_OF(encodings))], body = bytes;
    AUTO(buf) plain = {0};
    struct err err;

    if (inflate_body(encoding, 100000, &body, &plain, &err))
        ASSERT(body.len <= 100000);
    else
        ASSERT(body.ptr == bytes.ptr);
}
