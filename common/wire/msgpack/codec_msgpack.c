// codec_msgpack: payloads on the bus. A payload is an array of the fields in declared order.
#include "wire/message.h"
#include "wire/msgpack/msgpack_bounds.h"
#include "wire/msgpack/msgpack_values.h"

static void field_pack(const struct message_field *field, const void *value, msgpack_packer *packer)
{
    if (message_field_is_absent(field, value)) {
        msgpack_pack_nil(packer);
        return;
    }
    switch (field->type) {
    case FIELD_KIND_str:
    case FIELD_KIND_phone:
    case FIELD_KIND_sender:
    case FIELD_KIND_json: values_pack_text(packer, *(const struct str *)value); break;
    case FIELD_KIND_id: values_pack_id(packer, *(const struct id *)value); break;
    case FIELD_KIND_u32: msgpack_pack_uint32(packer, *(const uint32_t *)value); break;
    case FIELD_KIND_flag:
        if (*(const bool *)value)
            msgpack_pack_true(packer);
        else
            msgpack_pack_false(packer);
        break;
    case FIELD_KIND_bytes: values_pack_bytes(packer, *(const struct str *)value); break;
    }
}

void message_encode(const struct message_type *type, const void *message, struct buf *out)
{
    msgpack_packer packer;

    values_packer(&packer, out);
    msgpack_pack_array(&packer, type->field_count);
    for (size_t i = 0; i < type->field_count; i++)
        field_pack(&type->fields[i], (const char *)message + type->fields[i].offset, &packer);
}

static bool field_read(const struct message_field *field, const msgpack_object *element,
                       void *value, struct err *err)
{
    switch (field->type) {
    case FIELD_KIND_str:
    case FIELD_KIND_phone:
    case FIELD_KIND_sender:
    case FIELD_KIND_json:
        return values_read_text(element, value) || message_field_fault(field, "not text", err);
    case FIELD_KIND_id:
        return values_read_id(element, value) || message_field_fault(field, "not a UUID", err);
    case FIELD_KIND_u32:
        return values_read_u32(element, value) ||
               message_field_fault(field, "not a whole number", err);
    case FIELD_KIND_flag:
        return values_read_flag(element, value) ||
               message_field_fault(field, "not true or false", err);
    case FIELD_KIND_bytes:
        return values_read_bytes(element, value) || message_field_fault(field, "not bytes", err);
    }
    return false;
}

static bool fields_read(const struct message_type *type, const msgpack_object *payload,
                        void *message, struct err *err)
{
    if (payload->type != MSGPACK_OBJECT_ARRAY)
        return err_set(err, ERR_BAD_INPUT, "%.*s: payload is no array", STR_ARG(type->name));
    for (size_t i = 0; i < type->field_count; i++) {
        const struct message_field *field = &type->fields[i];
        const msgpack_object *element =
            i < payload->via.array.size ? &payload->via.array.ptr[i] : NULL;
        bool present = element && element->type != MSGPACK_OBJECT_NIL;
        if (!present && field->presence == REQUIRED)
            return message_field_fault(field, "missing", err);
        void *value = (char *)message + field->offset;
        if (present &&
            (!field_read(field, element, value, err) || !message_field_check(field, value, err)))
            return false;
    }
    return true;
}

bool message_decode(const struct message_type *type, struct str payload, struct arena *arena,
                    void **message, struct err *err)
{
    msgpack_unpacked unpacked;
    size_t offset = 0;

    if (payload.len > type->limit)
        return err_set(err, ERR_BAD_INPUT, "%.*s: payload is %zu bytes, limit %zu",
                       STR_ARG(type->name), payload.len, type->limit);
    if (!msgpack_is_bounded(payload))
        return err_set(err, ERR_BAD_INPUT, "%.*s: payload is not well-formed", STR_ARG(type->name));

    void *decoded = arena_alloc(arena, type->size);
    msgpack_unpacked_init(&unpacked);
    bool ok =
        msgpack_unpack_next(&unpacked, payload.ptr, payload.len, &offset) == MSGPACK_UNPACK_SUCCESS
            ? fields_read(type, &unpacked.data, decoded, err)
            : err_set(err, ERR_BAD_INPUT, "%.*s: payload cannot be unpacked", STR_ARG(type->name));
    msgpack_unpacked_destroy(&unpacked);
    if (ok)
        *message = decoded;
    return ok;
}
