// snapshot: [version, role, slot, incarnation, started, [series…], is_last]. A series is [name,
// [label…], value] and of a histogram [name, [label…], value, bucket…, [exemplar…]], an exemplar
// [bucket, trace, trace, value, at]: the two halves of the trace's id. Text points into the bytes.
// Fields that another build appended are ignored.
#include "wire/telemetry/snapshot.h"

#include "base/panic.h"
#include "wire/msgpack/msgpack_bounds.h"
#include "wire/msgpack/msgpack_values.h"

enum { VERSION = 1 };

static void labels_encode(msgpack_packer *packer, const struct metric_sample *sample)
{
    size_t count = metric_label_count(sample->id);

    msgpack_pack_array(packer, count);
    for (size_t i = 0; i < count; i++)
        values_pack_text(packer, sample->labels[i]);
}

static void exemplars_encode(msgpack_packer *packer, const struct metric_exemplar *exemplars,
                             size_t buckets)
{
    size_t count = 0;

    for (size_t i = 0; i < buckets; i++)
        count += exemplars[i].at_us != 0;
    msgpack_pack_array(packer, count);
    for (size_t i = 0; i < buckets; i++) {
        if (exemplars[i].at_us == 0)
            continue;
        msgpack_pack_array(packer, 5);
        msgpack_pack_uint64(packer, i);
        msgpack_pack_uint64(packer, exemplars[i].trace_high);
        msgpack_pack_uint64(packer, exemplars[i].trace_low);
        msgpack_pack_double(packer, exemplars[i].value);
        msgpack_pack_uint64(packer, (uint64_t)exemplars[i].at_us);
    }
}

static void sample_encode(msgpack_packer *packer, const struct metric_sample *sample)
{
    const struct metric_type *type = metric_type(sample->id);
    size_t buckets = sample->buckets ? type->bound_count + 1 : 0;

    msgpack_pack_array(packer, 3 + buckets + (sample->exemplars != NULL));
    values_pack_text(packer, type->name);
    labels_encode(packer, sample);
    msgpack_pack_double(packer, sample->value);
    for (size_t i = 0; i < buckets; i++)
        msgpack_pack_uint64(packer, sample->buckets[i]);
    if (sample->exemplars)
        exemplars_encode(packer, sample->exemplars, buckets);
}

void snapshot_encode(const struct snapshot_head *head, const struct metrics *metrics,
                     struct buf *out)
{
    msgpack_packer packer;

    values_packer(&packer, out);
    msgpack_pack_array(&packer, 7);
    msgpack_pack_uint32(&packer, VERSION);
    values_pack_text(&packer, head->role);
    values_pack_text(&packer, head->slot);
    msgpack_pack_uint64(&packer, head->incarnation);
    msgpack_pack_uint64(&packer, head->started_ms);
    msgpack_pack_array(&packer, metrics_count(metrics));
    for (size_t i = 0; i < metrics_count(metrics); i++) {
        struct metric_sample sample = metrics_sample(metrics, i);
        sample_encode(&packer, &sample);
    }
    msgpack_pack_uint32(&packer, head->is_last);
}

// is_last is the last byte: 0 and 1 encode as themselves.
void snapshot_make_last(struct buf *snapshot)
{
    ASSERT(snapshot->len > 0 && snapshot->data[snapshot->len - 1] <= 1);
    snapshot->data[snapshot->len - 1] = 1;
}

static bool read_u64(const msgpack_object *value, uint64_t *number)
{
    if (value->type != MSGPACK_OBJECT_POSITIVE_INTEGER)
        return false;
    *number = value->via.u64;
    return true;
}

static bool labels_decode(const msgpack_object *value, struct metric_sample *sample)
{
    size_t count = metric_label_count(sample->id);

    if (value->type != MSGPACK_OBJECT_ARRAY || value->via.array.size != count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!values_read_text(&value->via.array.ptr[i], &sample->labels[i]))
            return false;
    return true;
}

// Where the values of one series are put.
struct room {
    uint64_t buckets[METRIC_BUCKETS_LIMIT];
    struct metric_exemplar exemplars[METRIC_BUCKETS_LIMIT];
};

static bool exemplar_decode(const msgpack_object *value, size_t buckets, struct room *room)
{
    struct metric_exemplar one;
    uint64_t bucket, at_us;

    if (value->type != MSGPACK_OBJECT_ARRAY || value->via.array.size < 5)
        return false;
    const msgpack_object *fields = value->via.array.ptr;
    if (!read_u64(&fields[0], &bucket) || bucket >= buckets ||
        !read_u64(&fields[1], &one.trace_high) || !read_u64(&fields[2], &one.trace_low) ||
        fields[3].type != MSGPACK_OBJECT_FLOAT64 || !read_u64(&fields[4], &at_us) ||
        at_us > INT64_MAX)
        return false;
    one.value = fields[3].via.f64;
    one.at_us = (int64_t)at_us;
    room->exemplars[bucket] = one;
    return true;
}

// An exemplar that cannot be read is left out: it says nothing about the numbers.
static void exemplars_decode(const msgpack_object *value, size_t buckets, struct room *room)
{
    memset(room->exemplars, 0, buckets * sizeof room->exemplars[0]);
    for (uint32_t i = 0; value->type == MSGPACK_OBJECT_ARRAY && i < value->via.array.size; i++)
        (void)exemplar_decode(&value->via.array.ptr[i], buckets, room);
}

static bool histogram_decode(const msgpack_object *values, size_t count, size_t buckets,
                             struct room *room, struct metric_sample *sample)
{
    if (count < buckets || buckets > METRIC_BUCKETS_LIMIT)
        return false;
    for (size_t i = 0; i < buckets; i++)
        if (!read_u64(&values[i], &room->buckets[i]))
            return false;
    sample->buckets = room->buckets;
    if (count == buckets)
        return true;
    exemplars_decode(&values[buckets], buckets, room);
    sample->exemplars = room->exemplars;
    return true;
}

// A metric this build does not have, or has in another form, is passed over.
static bool sample_decode(const msgpack_object *value, struct room *room,
                          struct metric_sample *sample)
{
    struct str name;

    *sample = (struct metric_sample){0};
    if (value->type != MSGPACK_OBJECT_ARRAY || value->via.array.size < 3)
        return false;
    const msgpack_object *fields = value->via.array.ptr;
    if (!values_read_text(&fields[0], &name) || !metric_id_parse(name, &sample->id) ||
        !labels_decode(&fields[1], sample) || fields[2].type != MSGPACK_OBJECT_FLOAT64)
        return false;
    sample->value = fields[2].via.f64;

    const struct metric_type *type = metric_type(sample->id);
    return type->kind != METRIC_HISTOGRAM || histogram_decode(fields + 3, value->via.array.size - 3,
                                                              type->bound_count + 1, room, sample);
}

static bool head_decode(const msgpack_object *value, struct snapshot_head *head)
{
    uint32_t version;
    uint64_t is_last;

    if (value->type != MSGPACK_OBJECT_ARRAY || value->via.array.size < 6)
        return false;
    const msgpack_object *fields = value->via.array.ptr;
    head->is_last = value->via.array.size > 6 && read_u64(&fields[6], &is_last) && is_last == 1;
    return values_read_u32(&fields[0], &version) && version == VERSION &&
           values_read_text(&fields[1], &head->role) && values_read_text(&fields[2], &head->slot) &&
           read_u64(&fields[3], &head->incarnation) && read_u64(&fields[4], &head->started_ms) &&
           fields[5].type == MSGPACK_OBJECT_ARRAY;
}

bool snapshot_decode(struct str bytes, struct snapshot_head *head, snapshot_sample_fn *sample,
                     void *context, struct err *err)
{
    msgpack_unpacked unpacked;
    struct metric_sample one;
    struct room room;
    size_t offset = 0;

    if (bytes.len > SNAPSHOT_LIMIT || !msgpack_is_bounded(bytes))
        return err_set(err, ERR_BAD_INPUT, "snapshot: not well-formed");
    msgpack_unpacked_init(&unpacked);
    bool ok =
        msgpack_unpack_next(&unpacked, bytes.ptr, bytes.len, &offset) == MSGPACK_UNPACK_SUCCESS &&
        head_decode(&unpacked.data, head);
    if (ok && sample) {
        const msgpack_object_array *samples = &unpacked.data.via.array.ptr[5].via.array;
        for (size_t i = 0; i < samples->size; i++)
            if (sample_decode(&samples->ptr[i], &room, &one))
                sample(context, &one);
    }
    msgpack_unpacked_destroy(&unpacked);
    return ok || err_set(err, ERR_BAD_INPUT, "snapshot: not one of version %d", VERSION);
}
