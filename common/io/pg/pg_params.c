// pg_params: values in PostgreSQL's binary formats (the receive functions of its types),
// big-endian.
#include "io/pg/pg.h"

#include "base/panic.h"

#include <endian.h>

// Type numbers that a binary array must name (pg_type.dat).
static const uint32_t element_oids[] = {
    [PG_ELEMENT_BOOL] = 16,   [PG_ELEMENT_INT2] = 21, [PG_ELEMENT_INT4] = 23,
    [PG_ELEMENT_INT8] = 20,   [PG_ELEMENT_TEXT] = 25, [PG_ELEMENT_BYTEA] = 17,
    [PG_ELEMENT_UUID] = 2950,
};

void pg_params_init(struct pg_params *params)
{
    params->bytes = (struct buf){0};
    params->count = 0;
    params->statement = PG_ANY_STATEMENT;
}

void pg_params_release(struct pg_params *params)
{
    buf_release(&params->bytes);
    params->count = 0;
}

static void put_int4(struct buf *bytes, uint32_t value)
{
    value = htobe32(value);
    buf_append(bytes, &value, sizeof value);
}

static void put_int8(struct buf *bytes, uint64_t value)
{
    value = htobe64(value);
    buf_append(bytes, &value, sizeof value);
}

static void put_int2(struct buf *bytes, uint16_t value)
{
    value = htobe16(value);
    buf_append(bytes, &value, sizeof value);
}

// A parameter begins: what is appended from here on is its value.
static struct buf *value_begin(struct pg_params *params)
{
    ASSERT(params->count < PG_PARAMS_LIMIT);
    params->values[params->count].offset = params->bytes.len;
    params->count++;
    return &params->bytes;
}

static void value_end(struct pg_params *params)
{
    size_t offset = params->values[params->count - 1].offset;
    params->values[params->count - 1].length = (int)(params->bytes.len - offset);
}

void pg_null(struct pg_params *params)
{
    value_begin(params);
    params->values[params->count - 1].length = -1;
}

void pg_bool(struct pg_params *params, bool value)
{
    buf_byte(value_begin(params), value);
    value_end(params);
}

void pg_int2(struct pg_params *params, int16_t value)
{
    put_int2(value_begin(params), (uint16_t)value);
    value_end(params);
}

void pg_int4(struct pg_params *params, int32_t value)
{
    put_int4(value_begin(params), (uint32_t)value);
    value_end(params);
}

void pg_int8(struct pg_params *params, int64_t value)
{
    put_int8(value_begin(params), (uint64_t)value);
    value_end(params);
}

void pg_maybe_int2(struct pg_params *params, int16_t value)
{
    if (value)
        pg_int2(params, value);
    else
        pg_null(params);
}

void pg_maybe_int4(struct pg_params *params, int32_t value)
{
    if (value)
        pg_int4(params, value);
    else
        pg_null(params);
}

void pg_text(struct pg_params *params, struct str text)
{
    if (!str_present(text)) {
        pg_null(params);
        return;
    }
    buf_str_append(value_begin(params), text);
    value_end(params);
}

void pg_bytea(struct pg_params *params, struct str bytes)
{
    pg_text(params, bytes);
}

void pg_id(struct pg_params *params, struct id id)
{
    pg_text(params, id_is_none(id) ? STR_ABSENT : id_bytes(&id));
}

// array_recv: dimensions, has-null flag, element type, then size and lower bound of the one
// dimension.
void pg_array(struct pg_params *params, enum pg_element element, size_t count)
{
    struct buf *bytes = value_begin(params);

    put_int4(bytes, count > 0);
    put_int4(bytes, 1);
    put_int4(bytes, element_oids[element]);
    if (count > 0) {
        put_int4(bytes, (uint32_t)count);
        put_int4(bytes, 1);
    }
    value_end(params);
}

static void element_add(struct pg_params *params, const void *bytes, size_t count)
{
    put_int4(&params->bytes, (uint32_t)count);
    buf_append(&params->bytes, bytes, count);
    value_end(params);
}

void pg_add_null(struct pg_params *params)
{
    put_int4(&params->bytes, UINT32_MAX);
    value_end(params);
}

void pg_add_bool(struct pg_params *params, bool value)
{
    element_add(params, &value, 1);
}

void pg_add_int2(struct pg_params *params, int16_t value)
{
    uint16_t big = htobe16((uint16_t)value);
    element_add(params, &big, sizeof big);
}

void pg_add_int4(struct pg_params *params, int32_t value)
{
    uint32_t big = htobe32((uint32_t)value);
    element_add(params, &big, sizeof big);
}

void pg_add_int8(struct pg_params *params, int64_t value)
{
    uint64_t big = htobe64((uint64_t)value);
    element_add(params, &big, sizeof big);
}

void pg_add_maybe_int4(struct pg_params *params, int32_t value)
{
    if (value)
        pg_add_int4(params, value);
    else
        pg_add_null(params);
}

void pg_add_text(struct pg_params *params, struct str text)
{
    if (str_present(text))
        element_add(params, text.ptr, text.len);
    else
        pg_add_null(params);
}

void pg_add_bytea(struct pg_params *params, struct str bytes)
{
    pg_add_text(params, bytes);
}

void pg_add_id(struct pg_params *params, struct id id)
{
    if (id_is_none(id))
        pg_add_null(params);
    else
        element_add(params, id.bytes, sizeof id.bytes);
}

void pg_texts(struct pg_params *params, struct pg_texts texts)
{
    if (!texts.items) {
        pg_null(params);
        return;
    }
    pg_array(params, PG_ELEMENT_TEXT, texts.count);
    for (size_t i = 0; i < texts.count; i++)
        pg_add_text(params, texts.items[i]);
}

void pg_ids(struct pg_params *params, struct pg_ids ids)
{
    if (!ids.items) {
        pg_null(params);
        return;
    }
    pg_array(params, PG_ELEMENT_UUID, ids.count);
    for (size_t i = 0; i < ids.count; i++)
        pg_add_id(params, ids.items[i]);
}
