// span_frame: ["spans", version, role, slot, [[high, low, id, parent, link high, link low, link id,
// name, kind, failed, started, ended, key, value, …], …]]. A value is a number or a text.
#include "wire/telemetry/span_frame.h"

#include "wire/msgpack/msgpack_bounds.h"
#include "wire/msgpack/msgpack_values.h"

enum { VERSION = 1, FRAME_LIMIT = 1024 * 1024, FIXED_FIELDS = 12 };

// An array of five, and its first value.
#define MARK "\x95\xa5spans"

static void attribute_encode(msgpack_packer *packer, const struct span_attribute *attribute)
{
    char text[ID_TEXT_LENGTH + 1];

    values_pack_text(packer, attribute->key);
    switch (attribute->kind) {
    case SPAN_ATTRIBUTE_INT: msgpack_pack_int64(packer, attribute->number); break;
    case SPAN_ATTRIBUTE_WORD: values_pack_text(packer, attribute->word); break;
    case SPAN_ATTRIBUTE_ID:
        id_text(attribute->id, text);
        values_pack_text(packer, str_make(text, ID_TEXT_LENGTH));
        break;
    }
}

static void span_encode(msgpack_packer *packer, const struct span *span)
{
    msgpack_pack_array(packer, FIXED_FIELDS + 2 * span->attribute_count);
    msgpack_pack_uint64(packer, span->trace.high);
    msgpack_pack_uint64(packer, span->trace.low);
    msgpack_pack_uint64(packer, span->trace.span);
    msgpack_pack_uint64(packer, span->parent);
    msgpack_pack_uint64(packer, span->link.high);
    msgpack_pack_uint64(packer, span->link.low);
    msgpack_pack_uint64(packer, span->link.span);
    values_pack_text(packer, span->name);
    msgpack_pack_uint32(packer, span->kind);
    msgpack_pack_uint32(packer, span->failed);
    msgpack_pack_int64(packer, span->started_us);
    msgpack_pack_int64(packer, span->ended_us);
    for (size_t i = 0; i < span->attribute_count; i++)
        attribute_encode(packer, &span->attributes[i]);
}

void span_frame_encode(struct str role, struct str slot, const struct spans *spans, struct buf *out)
{
    msgpack_packer packer;

    values_packer(&packer, out);
    msgpack_pack_array(&packer, 5);
    values_pack_text(&packer, STR("spans"));
    msgpack_pack_uint32(&packer, VERSION);
    values_pack_text(&packer, role);
    values_pack_text(&packer, slot);
    msgpack_pack_array(&packer, spans_count(spans));
    for (size_t i = 0; i < spans_count(spans); i++)
        span_encode(&packer, spans_at(spans, i));
}

bool span_frame_is(struct str bytes)
{
    return str_starts(bytes, STR(MARK));
}

// ---- reading

static bool attribute_decode(const msgpack_object *pair, struct span *span)
{
    struct span_attribute *attribute = &span->attributes[span->attribute_count++];
    const msgpack_object *value = &pair[1];

    if (!values_read_text(&pair[0], &attribute->key))
        return false;
    attribute->kind = SPAN_ATTRIBUTE_WORD;
    if (values_read_text(value, &attribute->word))
        return true;
    attribute->kind = SPAN_ATTRIBUTE_INT;
    if (value->type != MSGPACK_OBJECT_POSITIVE_INTEGER &&
        value->type != MSGPACK_OBJECT_NEGATIVE_INTEGER)
        return false;
    attribute->number = value->via.i64;
    return true;
}

static bool numbers_decode(const msgpack_object *values, uint64_t *const *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (values[i].type != MSGPACK_OBJECT_POSITIVE_INTEGER)
            return false;
        *numbers[i] = values[i].via.u64;
    }
    return true;
}

static bool span_decode(const msgpack_object *value, struct span *span)
{
    enum { NAME = 7, NUMBERS };
    uint64_t kind, failed, started_us, ended_us;
    uint64_t *const ids[] = {&span->trace.high, &span->trace.low, &span->trace.span, &span->parent,
                             &span->link.high,  &span->link.low,  &span->link.span};
    uint64_t *const rest[] = {&kind, &failed, &started_us, &ended_us};

    *span = (struct span){0};
    if (value->type != MSGPACK_OBJECT_ARRAY || value->via.array.size < FIXED_FIELDS ||
        value->via.array.size > FIXED_FIELDS + 2 * SPAN_ATTRIBUTES || value->via.array.size % 2)
        return false;
    const msgpack_object *fields = value->via.array.ptr;
    if (!numbers_decode(fields, ids, COUNT_OF(ids)) ||
        !values_read_text(&fields[NAME], &span->name) ||
        !numbers_decode(fields + NUMBERS, rest, COUNT_OF(rest)) || kind > SPAN_KIND_CONSUMER ||
        started_us > INT64_MAX || ended_us > INT64_MAX)
        return false;
    span->kind = (enum span_kind)kind;
    span->failed = failed != 0;
    span->started_us = (int64_t)started_us;
    span->ended_us = (int64_t)ended_us;
    for (size_t i = FIXED_FIELDS; i < value->via.array.size; i += 2)
        if (!attribute_decode(fields + i, span))
            return false;
    return true;
}

static bool head_decode(const msgpack_object *value, struct span_origin *origin)
{
    uint32_t version;

    if (value->type != MSGPACK_OBJECT_ARRAY || value->via.array.size != 5)
        return false;
    const msgpack_object *fields = value->via.array.ptr;
    return values_read_u32(&fields[1], &version) && version == VERSION &&
           values_read_text(&fields[2], &origin->role) &&
           values_read_text(&fields[3], &origin->slot) && fields[4].type == MSGPACK_OBJECT_ARRAY;
}

// A span of another form, as a later build may write it, is passed over.
static void spans_take(const msgpack_object_array *values, const struct span_origin *origin,
                       span_frame_take_fn *take, void *context)
{
    struct span span;

    for (size_t i = 0; i < values->size; i++)
        if (span_decode(&values->ptr[i], &span))
            take(context, origin, &span);
}

bool span_frame_decode(struct str bytes, span_frame_take_fn *take, void *context, struct err *err)
{
    msgpack_unpacked unpacked;
    struct span_origin origin;
    size_t offset = 0;

    if (bytes.len > FRAME_LIMIT || !span_frame_is(bytes) || !msgpack_is_bounded(bytes))
        return err_set(err, ERR_BAD_INPUT, "spans: not well-formed");
    msgpack_unpacked_init(&unpacked);
    bool ok =
        msgpack_unpack_next(&unpacked, bytes.ptr, bytes.len, &offset) == MSGPACK_UNPACK_SUCCESS &&
        head_decode(&unpacked.data, &origin);
    if (ok)
        spans_take(&unpacked.data.via.array.ptr[4].via.array, &origin, take, context);
    msgpack_unpacked_destroy(&unpacked);
    return ok || err_set(err, ERR_BAD_INPUT, "spans: not of version %d", VERSION);
}
