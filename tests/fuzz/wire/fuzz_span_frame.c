// Spans as metrics-agent reads them from its socket.
#include "tests/fuzz/fuzz.h"

#include "wire/telemetry/span_frame.h"

static bool is_inside(struct str text, struct str bytes)
{
    return text.len == 0 || (text.ptr >= bytes.ptr && text.ptr + text.len <= bytes.ptr + bytes.len);
}

static void looked_at(void *context, const struct span_origin *origin, const struct span *span)
{
    struct str bytes = *(const struct str *)context;

    ASSERT(is_inside(origin->role, bytes) && is_inside(span->name, bytes));
    ASSERT(span->attribute_count <= SPAN_ATTRIBUTES);
    for (size_t i = 0; i < span->attribute_count; i++)
        ASSERT(is_inside(span->attributes[i].key, bytes));
}

FUZZ(bytes)
{
    struct err err;

    if (span_frame_decode(bytes, looked_at, &bytes, &err))
        ASSERT(span_frame_is(bytes));
}
