// protocol: the reader mirrors the writers below it. Payloads and envelopes travel as byte strings,
// so that whoever only passes them on never looks inside.
#include "bus/protocol.h"

#include "base/heap.h"
#include "base/panic.h"
#include "wire/msgpack/msgpack_bounds.h"
#include "wire/msgpack/msgpack_values.h"

#include <stdlib.h>

struct bus_reader {
    msgpack_zone zone; // keeps its first chunk from frame to frame
    union bus_item items[BUS_ITEMS_LIMIT];
    struct bus_queue queues[BUS_QUEUES_LIMIT];
};

enum { ZONE_BYTES = 16 * 1024 };

struct bus_reader *bus_reader_new(void)
{
    struct bus_reader *reader = heap_new(sizeof *reader);

    if (!msgpack_zone_init(&reader->zone, ZONE_BYTES))
        panic("out of memory");
    return reader;
}

void bus_reader_free(struct bus_reader **reader)
{
    if (!*reader)
        return;
    msgpack_zone_destroy(&(*reader)->zone);
    free(*reader);
    *reader = NULL;
}

static bool read_u64(const msgpack_object *value, uint64_t *number)
{
    if (value->type != MSGPACK_OBJECT_POSITIVE_INTEGER)
        return false;
    *number = value->via.u64;
    return true;
}

static bool read_bytes(const msgpack_object *value, struct str *bytes)
{
    if (value->type != MSGPACK_OBJECT_BIN)
        return false;
    *bytes = str_make(value->via.bin.ptr, value->via.bin.size);
    return true;
}

static bool read_name(const msgpack_object *value, struct str *name)
{
    return values_read_text(value, name) && name->len <= BUS_NAME_LIMIT;
}

static bool read_service(const msgpack_object *value, enum service_id *service)
{
    struct str name;
    return values_read_text(value, &name) && service_parse(name, service);
}

// By name: numbers change when a row is inserted into errors.def, and during a rolling update two
// builds share one bus. A code that only the other build knows is read as an internal error.
static bool read_code(const msgpack_object *value, enum err_code *code)
{
    struct str name;

    if (!values_read_text(value, &name))
        return false;
    for (*code = ERR_OK; *code < ERR_COUNT; (*code)++)
        if (str_equal(err_name(*code), name))
            return true;
    *code = ERR_INTERNAL;
    return true;
}

static bool item_read(enum bus_frame_type type, const msgpack_object *value, union bus_item *item)
{
    if (type == BUS_DOORBELL)
        return values_read_u32(value, &item->destination);
    if (value->type != MSGPACK_OBJECT_ARRAY)
        return false;

    const msgpack_object *fields = value->via.array.ptr;
    size_t count = value->via.array.size;
    if (type == BUS_REPLY)
        return count >= 3 && read_u64(&fields[0], &item->reply.request) &&
               read_code(&fields[1], &item->reply.code) &&
               read_bytes(&fields[2], &item->reply.payload);
    if (type == BUS_REQUEST)
        return count >= 2 && read_bytes(&fields[0], &item->request.envelope) &&
               read_bytes(&fields[1], &item->request.payload);
    return count >= 2 && read_name(&fields[0], &item->event.topic) &&
           read_bytes(&fields[1], &item->event.payload);
}

static bool list_read(struct bus_reader *reader, const msgpack_object *fields, size_t count,
                      struct bus_frame *frame)
{
    if (count < 1 || fields[0].type != MSGPACK_OBJECT_ARRAY ||
        fields[0].via.array.size > BUS_ITEMS_LIMIT)
        return false;
    for (size_t i = 0; i < fields[0].via.array.size; i++)
        if (!item_read(frame->type, &fields[0].via.array.ptr[i], &reader->items[i]))
            return false;
    frame->items = reader->items;
    frame->count = fields[0].via.array.size;
    return true;
}

static bool hello_read(const msgpack_object *fields, size_t count, struct bus_hello *hello)
{
    return count >= 6 && read_service(&fields[0], &hello->service) &&
           read_name(&fields[1], &hello->instance) && hello->instance.len > 0 &&
           read_u64(&fields[2], &hello->incarnation) && read_name(&fields[3], &hello->build) &&
           values_read_u32(&fields[4], &hello->credit_messages) &&
           values_read_u32(&fields[5], &hello->credit_bytes) && hello->credit_messages > 0 &&
           hello->credit_bytes > 0;
}

static bool queue_read(const msgpack_object *value, struct bus_queue *queue)
{
    struct str name;

    if (value->type != MSGPACK_OBJECT_ARRAY || value->via.array.size < 3)
        return false;
    const msgpack_object *fields = value->via.array.ptr;
    *queue = (struct bus_queue){0};
    if (!values_read_text(&fields[0], &name) || name.len > BUS_QUEUE_NAME_LIMIT ||
        memchr(name.ptr, '\0', name.len))
        return false;
    memcpy(queue->name, name.ptr, name.len);
    return read_u64(&fields[1], &queue->depth) && read_u64(&fields[2], &queue->oldest_ms);
}

static bool queues_read(struct bus_reader *reader, const msgpack_object *value,
                        struct bus_heartbeat *beat)
{
    if (value->type != MSGPACK_OBJECT_ARRAY || value->via.array.size > BUS_QUEUES_LIMIT)
        return false;
    for (size_t i = 0; i < value->via.array.size; i++)
        if (!queue_read(&value->via.array.ptr[i], &reader->queues[i]))
            return false;
    beat->queues = reader->queues;
    beat->queue_count = value->via.array.size;
    return true;
}

static bool reason_read(const msgpack_object *value, struct health_reasons *reasons)
{
    char about[HEALTH_ABOUT_LIMIT + 1] = {0};
    enum health_reason_id id;
    struct str code, text;

    if (value->type != MSGPACK_OBJECT_ARRAY || value->via.array.size < 2 ||
        !values_read_text(&value->via.array.ptr[0], &code) ||
        !values_read_text(&value->via.array.ptr[1], &text) || text.len > HEALTH_ABOUT_LIMIT)
        return false;
    if (!health_reason_parse(code, &id))
        return true; // a newer build's
    memcpy(about, text.ptr, text.len);
    health_reasons_add(reasons, id, about);
    return true;
}

static bool reasons_read(const msgpack_object *value, struct health_reasons *reasons)
{
    if (value->type != MSGPACK_OBJECT_ARRAY || value->via.array.size > HEALTH_REASONS_LIMIT)
        return false;
    for (size_t i = 0; i < value->via.array.size; i++)
        if (!reason_read(&value->via.array.ptr[i], reasons))
            return false;
    return true;
}

// An earlier build does not send queues or reasons.
static bool heartbeat_read(struct bus_reader *reader, const msgpack_object *fields, size_t count,
                           struct bus_heartbeat *beat)
{
    return count >= 3 && values_read_u32(&fields[0], &beat->load) &&
           values_read_flag(&fields[1], &beat->db_ready) &&
           values_read_flag(&fields[2], &beat->cache_ready) &&
           (count == 3 || queues_read(reader, &fields[3], beat)) &&
           (count <= 4 || reasons_read(&fields[4], &beat->reasons));
}

static bool welcome_read(const msgpack_object *fields, size_t count, struct bus_welcome *welcome)
{
    return count >= 2 && read_name(&fields[0], &welcome->instance) &&
           read_name(&fields[1], &welcome->build);
}

static bool fields_read(struct bus_reader *reader, const msgpack_object *fields, size_t count,
                        struct bus_frame *frame)
{
    frame->bare = count == 0;
    switch (frame->type) {
    case BUS_HELLO: return frame->bare || hello_read(fields, count, &frame->hello);
    case BUS_HEARTBEAT:
        return frame->bare || heartbeat_read(reader, fields, count, &frame->heartbeat);
    case BUS_WELCOME: return welcome_read(fields, count, &frame->welcome);
    case BUS_REPLY:
    case BUS_REQUEST:
    case BUS_EVENT:
    case BUS_DOORBELL: return list_read(reader, fields, count, frame);
    case BUS_DRAIN:
    case BUS_BYE: return true;
    }
    return false;
}

bool bus_read(struct bus_reader *reader, struct str bytes, struct bus_frame *frame, struct err *err)
{
    msgpack_object value;
    size_t offset = 0;
    uint32_t protocol, type;

    *frame = (struct bus_frame){0};
    msgpack_zone_clear(&reader->zone);
    if (!msgpack_is_bounded(bytes))
        return err_set(err, ERR_BAD_INPUT, "frame: not well-formed");
    if (msgpack_unpack(bytes.ptr, bytes.len, &offset, &reader->zone, &value) !=
            MSGPACK_UNPACK_SUCCESS ||
        value.type != MSGPACK_OBJECT_ARRAY || value.via.array.size < 2)
        return err_set(err, ERR_BAD_INPUT, "frame: not an array of two or more");

    const msgpack_object *fields = value.via.array.ptr;
    if (!values_read_u32(&fields[0], &protocol) || protocol != BUS_PROTOCOL)
        return err_set(err, ERR_BAD_INPUT, "frame: another protocol");
    if (!values_read_u32(&fields[1], &type))
        return err_set(err, ERR_BAD_INPUT, "frame: no type");
    frame->type = (enum bus_frame_type)type;
    if (!fields_read(reader, fields + 2, value.via.array.size - 2, frame))
        return err_set(err, ERR_BAD_INPUT, "frame: type %u is unknown or lacks a field", type);
    return true;
}

static void head_write(msgpack_packer *packer, struct buf *out, enum bus_frame_type type,
                       size_t fields)
{
    buf_clear(out);
    values_packer(packer, out);
    msgpack_pack_array(packer, 2 + fields);
    msgpack_pack_uint32(packer, BUS_PROTOCOL);
    msgpack_pack_uint32(packer, (uint32_t)type);
}

static void bytes_write(msgpack_packer *packer, struct str bytes)
{
    msgpack_pack_bin(packer, bytes.len);
    msgpack_pack_bin_body(packer, bytes.ptr, bytes.len);
}

static void flag_write(msgpack_packer *packer, bool flag)
{
    if (flag)
        msgpack_pack_true(packer);
    else
        msgpack_pack_false(packer);
}

void bus_write_hello(struct buf *out, const struct bus_hello *hello)
{
    msgpack_packer packer;

    head_write(&packer, out, BUS_HELLO, 6);
    values_pack_text(&packer, service_name(hello->service));
    values_pack_text(&packer, hello->instance);
    msgpack_pack_uint64(&packer, hello->incarnation);
    values_pack_text(&packer, hello->build);
    msgpack_pack_uint32(&packer, hello->credit_messages);
    msgpack_pack_uint32(&packer, hello->credit_bytes);
}

void bus_write_heartbeat(struct buf *out, const struct bus_heartbeat *heartbeat)
{
    msgpack_packer packer;

    head_write(&packer, out, BUS_HEARTBEAT, 5);
    msgpack_pack_uint32(&packer, heartbeat->load);
    flag_write(&packer, heartbeat->db_ready);
    flag_write(&packer, heartbeat->cache_ready);
    msgpack_pack_array(&packer, heartbeat->queue_count);
    for (size_t i = 0; i < heartbeat->queue_count; i++) {
        msgpack_pack_array(&packer, 3);
        values_pack_text(&packer, str_of(heartbeat->queues[i].name));
        msgpack_pack_uint64(&packer, heartbeat->queues[i].depth);
        msgpack_pack_uint64(&packer, heartbeat->queues[i].oldest_ms);
    }
    msgpack_pack_array(&packer, heartbeat->reasons.count);
    for (size_t i = 0; i < heartbeat->reasons.count; i++) {
        const struct health_reason *reason = &heartbeat->reasons.list[i];
        msgpack_pack_array(&packer, 2);
        values_pack_text(&packer, health_reason_type(reason->id)->code);
        values_pack_text(&packer, str_of(reason->about));
    }
}

void bus_write_welcome(struct buf *out, const struct bus_welcome *welcome)
{
    msgpack_packer packer;

    head_write(&packer, out, BUS_WELCOME, 2);
    values_pack_text(&packer, welcome->instance);
    values_pack_text(&packer, welcome->build);
}

void bus_write_bare(struct buf *out, enum bus_frame_type type)
{
    msgpack_packer packer;
    head_write(&packer, out, type, 0);
}

void bus_list_release(struct bus_list *list)
{
    buf_release(&list->items);
    buf_release(&list->scratch);
    list->count = 0;
}

void bus_list_clear(struct bus_list *list)
{
    buf_clear(&list->items);
    list->count = 0;
}

bool bus_list_has_room(const struct bus_list *list, size_t bytes)
{
    return list->count == 0 ||
           (list->count < BUS_ITEMS_LIMIT && list->items.len + bytes <= BUS_ITEM_LIMIT);
}

static void item_open(msgpack_packer *packer, struct bus_list *list, size_t fields)
{
    values_packer(packer, &list->items);
    msgpack_pack_array(packer, fields);
    list->count++;
}

void bus_list_reply(struct bus_list *list, uint64_t request, enum err_code code, struct str payload)
{
    msgpack_packer packer;

    item_open(&packer, list, 3);
    msgpack_pack_uint64(&packer, request);
    values_pack_text(&packer, err_name(code));
    bytes_write(&packer, payload);
}

void bus_list_request(struct bus_list *list, const struct envelope *envelope, struct str payload)
{
    msgpack_packer packer;

    buf_clear(&list->scratch);
    envelope_encode(envelope, &list->scratch);
    item_open(&packer, list, 2);
    bytes_write(&packer, buf_str(&list->scratch));
    bytes_write(&packer, payload);
}

void bus_list_event(struct bus_list *list, struct str topic, struct str payload)
{
    msgpack_packer packer;

    item_open(&packer, list, 2);
    values_pack_text(&packer, topic);
    bytes_write(&packer, payload);
}

void bus_list_frame(const struct bus_list *list, enum bus_frame_type type, struct buf *out)
{
    msgpack_packer packer;

    head_write(&packer, out, type, 1);
    msgpack_pack_array(&packer, list->count);
    buf_append(out, list->items.data, list->items.len);
}

void bus_bells_add(struct bus_bells *bells, uint32_t destination)
{
    for (uint32_t i = 0; i < bells->count; i++)
        if (bells->destinations[i] == destination)
            return;
    if (bells->count < BUS_BELLS_LIMIT)
        bells->destinations[bells->count++] = destination;
}

void bus_write_bells(struct buf *out, const struct bus_bells *bells)
{
    msgpack_packer packer;

    head_write(&packer, out, BUS_DOORBELL, 1);
    msgpack_pack_array(&packer, bells->count);
    for (uint32_t i = 0; i < bells->count; i++)
        msgpack_pack_uint32(&packer, bells->destinations[i]);
}
