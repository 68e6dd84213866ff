// event_batch: see the header.
#include "gateway/events/event_batch.h"

#include "wire/json/codec_json.h"

#include <stdio.h>

enum { TYPE_LIMIT = 32 };

bool event_position_parse(struct str text, struct event_position *position)
{
    struct str transaction, ordinal;
    int64_t numbers[2];

    if (!str_cut(text, '-', &transaction, &ordinal) ||
        !str_to_int(transaction, 0, INT64_MAX, &numbers[0]) ||
        !str_to_int(ordinal, 0, INT64_MAX, &numbers[1]))
        return false;
    *position = (struct event_position){(uint64_t)numbers[0], (uint64_t)numbers[1]};
    return true;
}

struct str event_position_text(struct event_position position,
                               char text[static EVENT_POSITION_LENGTH])
{
    int length =
        snprintf(text, EVENT_POSITION_LENGTH, "%llu-%llu", (unsigned long long)position.transaction,
                 (unsigned long long)position.ordinal);

    return str_make(text, (size_t)length);
}

bool event_position_after(struct event_position a, struct event_position b)
{
    return a.transaction != b.transaction ? a.transaction > b.transaction : a.ordinal > b.ordinal;
}

static bool event_append(struct event_batch *batch, const struct json_view *event,
                         struct arena *arena, struct err *err)
{
    struct event_mark *mark = &batch->marks[batch->count];
    struct str id = json_text(json_member(event, "position"));
    struct str type = json_text(json_member(event, "type"));

    if (batch->count == EVENT_BATCH_LIMIT)
        return err_set(err, ERR_INTERNAL, "more events than were asked for");
    if (!event_position_parse(id, &mark->position) || type.len == 0 || type.len > TYPE_LIMIT)
        return err_set(err, ERR_INTERNAL, "an event without position or type");
    mark->start = batch->text.len;
    batch->count++;
    buf_str_append(&batch->text, STR("id: "));
    buf_str_append(&batch->text, id);
    buf_str_append(&batch->text, STR("\nevent: "));
    buf_str_append(&batch->text, type);
    buf_str_append(&batch->text, STR("\ndata: "));
    buf_str_append(&batch->text, json_compact(event, arena)); // one line: JSON escapes line ends
    buf_str_append(&batch->text, STR("\n\n"));
    return true;
}

bool event_batch_read(struct event_batch *batch, struct str json, struct arena *arena,
                      struct err *err)
{
    const struct json_view *reply, *event;

    buf_clear(&batch->text);
    batch->count = 0;
    if (!json_parse(json, arena, &reply, err))
        return false;
    const struct json_view *events = json_member(reply, "events");
    for (size_t i = 0; (event = json_element(events, i)); i++)
        if (!event_append(batch, event, arena, err))
            return false;
    if (!event_position_parse(json_text(json_member(reply, "position")), &batch->position))
        return err_set(err, ERR_INTERNAL, "events without a position to go on from");
    batch->more = json_is_true(json_member(reply, "more"));
    batch->reset = json_is_true(json_member(reply, "reset"));
    return true;
}

size_t event_batch_after(const struct event_batch *batch, struct event_position position)
{
    size_t index = 0;

    while (index < batch->count && !event_position_after(batch->marks[index].position, position))
        index++;
    return index;
}

struct str event_batch_text(const struct event_batch *batch, size_t index)
{
    size_t start = batch->marks[index].start;
    size_t end = index + 1 < batch->count ? batch->marks[index + 1].start : batch->text.len;

    return str_make(batch->text.data + start, end - start);
}
