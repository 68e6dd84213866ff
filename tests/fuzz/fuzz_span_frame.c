// Spans as metrics-agent reads them off its socket.
#include "fuzz.h"

#include "wire/span_frame.h"

static void looked_at(void *context, const struct span_origin *origin, const struct span *span)
{
    struct str bytes = *(const struct str *)context;

    ASSERT(origin->role.ptr >= bytes.ptr && origin->role.ptr <= bytes.ptr + bytes.len);
    ASSERT(span->name.ptr >= bytes.ptr && span->name.ptr <= bytes.ptr + bytes.len);
    ASSERT(span->attribute_count <= SPAN_ATTRIBUTES);
    for (size_t i = 0; i < span->attribute_count; i++)
        ASSERT(span->attributes[i].key.len <= bytes.len);
}

FUZZ(bytes)
{
    struct err err;

    if (span_frame_decode(bytes, looked_at, &bytes, &err))
        ASSERT(span_frame_is(bytes));
}
