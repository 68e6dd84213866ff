// msgpack_bounds: one pass over the bytes. The whole value is checked before memory is allocated
// for it, so all counts together are at most the number of bytes, not only each of them.
#include "wire/msgpack/msgpack_bounds.h"

#include <stdint.h>

enum shape {
    REFUSED, // ext types, and the byte that the format never uses
    SCALAR,  // width bytes follow
    BLOB,    // a length in width bytes, then as many bytes
    ARRAY,   // a count in width bytes, then as many values
    MAP,     // a count in width bytes, then twice as many values
};

struct lead {
    uint8_t shape, width;
};

// clang-format off
static const struct lead leads_from_c0[] = {
    {SCALAR, 0}, {REFUSED, 0}, {SCALAR, 0}, {SCALAR, 0}, // nil, never used, false, true
    {BLOB, 1},   {BLOB, 2},    {BLOB, 4},                // bin
    {REFUSED, 0},{REFUSED, 0}, {REFUSED, 0},             // ext
    {SCALAR, 4}, {SCALAR, 8},                            // float
    {SCALAR, 1}, {SCALAR, 2},  {SCALAR, 4},  {SCALAR, 8}, // unsigned
    {SCALAR, 1}, {SCALAR, 2},  {SCALAR, 4},  {SCALAR, 8}, // signed
    {REFUSED, 0},{REFUSED, 0}, {REFUSED, 0}, {REFUSED, 0}, {REFUSED, 0}, // fixed ext
    {BLOB, 1},   {BLOB, 2},    {BLOB, 4},                // str
    {ARRAY, 2},  {ARRAY, 4},   {MAP, 2},     {MAP, 4},
};
// clang-format on

static bool take(struct str *rest, uint64_t count)
{
    if (count > rest->len)
        return false;
    *rest = str_skip(*rest, (size_t)count);
    return true;
}

// The big-endian number at the start.
static bool take_number(struct str *rest, size_t width, uint64_t *number)
{
    const unsigned char *bytes = (const unsigned char *)rest->ptr;

    if (!take(rest, width))
        return false;
    *number = 0;
    for (size_t i = 0; i < width; i++)
        *number = *number << 8 | bytes[i];
    return true;
}

// Takes a scalar whole, of a container only its head: then *values is what it announces.
static bool take_head(struct str *rest, bool *container, uint64_t *values)
{
    uint64_t lead, count = 0;

    *container = false;
    *values = 0;
    if (!take_number(rest, 1, &lead))
        return false;
    if (lead < 0x80 || lead >= 0xE0) // small integers
        return true;
    if (lead >= 0xA0 && lead < 0xC0) // short str
        return take(rest, lead & 31);
    if (lead < 0xA0) { // short map and array
        *container = true;
        *values = (lead & 15) << (lead < 0x90);
        return *values <= rest->len;
    }
    struct lead form = leads_from_c0[lead - 0xC0];
    if (form.shape == REFUSED)
        return false;
    if (form.shape == SCALAR)
        return take(rest, form.width);
    if (!take_number(rest, form.width, &count))
        return false;
    if (form.shape == BLOB)
        return take(rest, count);
    *container = true;
    *values = count << (form.shape == MAP);
    return *values <= rest->len; // a value is at least one byte
}

bool msgpack_is_bounded(struct str bytes)
{
    uint64_t awaited[MSGPACK_DEPTH_LIMIT]; // values still to come in each open container
    size_t depth = 0;

    if (bytes.len > MSGPACK_BYTES_LIMIT)
        return false;
    do {
        bool container;
        uint64_t values;
        if (!take_head(&bytes, &container, &values))
            return false;
        if (container && depth == MSGPACK_DEPTH_LIMIT)
            return false;
        if (values > 0)
            awaited[depth++] = values;
        else // a value is complete, and with it perhaps the containers whose last it was
            while (depth > 0 && --awaited[depth - 1] == 0)
                depth--;
    } while (depth > 0);
    return bytes.len == 0;
}
