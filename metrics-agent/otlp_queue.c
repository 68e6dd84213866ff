// otlp_queue: see the header. A ring buffer; the JSON of a span is written once, when it arrives.
#include "metrics-agent/otlp_queue.h"

#include "base/heap.h"

#include <stdlib.h>

enum { NAME_BYTES = 48, STATUS_ERROR = 2 };

struct otlp_entry {
    char role[NAME_BYTES], slot[NAME_BYTES];
    struct buf text;
};

struct otlp_queue {
    size_t limit, first, count;
    uint64_t dropped;
    struct otlp_entry entries[];
};

struct otlp_queue *otlp_queue_new(size_t limit)
{
    struct otlp_queue *queue = heap_new(sizeof *queue + limit * sizeof queue->entries[0]);
    queue->limit = limit;
    return queue;
}

static struct otlp_entry *entry_at(struct otlp_queue *queue, size_t index)
{
    return &queue->entries[(queue->first + index) % queue->limit];
}

static void first_forget(struct otlp_queue *queue)
{
    buf_release(&entry_at(queue, 0)->text);
    queue->first = (queue->first + 1) % queue->limit;
    queue->count--;
}

void otlp_queue_free(struct otlp_queue **queue)
{
    if (!*queue)
        return;
    while ((*queue)->count > 0)
        first_forget(*queue);
    free(*queue);
    *queue = NULL;
}

static void name_copy(char copy[NAME_BYTES], struct str name)
{
    size_t length = name.len < NAME_BYTES ? name.len : NAME_BYTES - 1;

    memcpy(copy, name.ptr, length);
    copy[length] = '\0';
}

void otlp_queue_put(struct otlp_queue *queue, const struct span_origin *origin,
                    const struct span *span)
{
    if (queue->count == queue->limit) {
        first_forget(queue);
        queue->dropped++;
    }
    struct otlp_entry *entry = entry_at(queue, queue->count++);
    name_copy(entry->role, origin->role);
    name_copy(entry->slot, origin->slot);
    otlp_span_write(span, &entry->text);
}

size_t otlp_queue_count(const struct otlp_queue *queue)
{
    return queue->count;
}

uint64_t otlp_queue_dropped(const struct otlp_queue *queue)
{
    return queue->dropped;
}

// ---- JSON

static void word_attribute(struct buf *out, const char *key, struct str word)
{
    json_open(out, '{');
    json_key_str(out, "key", str_of(key));
    json_key(out, "value");
    json_open(out, '{');
    json_key_str(out, "stringValue", word);
    json_close(out, '}');
    json_close(out, '}');
}

static void number_text(struct buf *out, const char *key, int64_t number)
{
    char text[24];

    snprintf(text, sizeof text, "%lld", (long long)number);
    json_key_str(out, key, str_of(text));
}

static void attribute_write(const struct span_attribute *attribute, struct buf *out)
{
    json_open(out, '{');
    json_key_str(out, "key", attribute->key);
    json_key(out, "value");
    json_open(out, '{');
    if (attribute->kind == SPAN_ATTRIBUTE_INT)
        number_text(out, "intValue", attribute->number);
    else
        json_key_str(out, "stringValue", attribute->word);
    json_close(out, '}');
    json_close(out, '}');
}

static void span_id_write(struct buf *out, const char *key, uint64_t span)
{
    char text[TRACE_SPAN_LENGTH];

    json_key_str(out, key, trace_span_text(span, text));
}

static void ids_write(struct buf *out, const struct trace *trace)
{
    char text[TRACE_ID_LENGTH];

    json_key_str(out, "traceId", trace_id_text(trace, text));
    span_id_write(out, "spanId", trace->span);
}

void otlp_span_write(const struct span *span, struct buf *out)
{
    json_open(out, '{');
    ids_write(out, &span->trace);
    if (span->parent)
        span_id_write(out, "parentSpanId", span->parent);
    json_key_str(out, "name", span->name);
    json_key_int(out, "kind", span->kind);
    number_text(out, "startTimeUnixNano", span->started_us * 1000);
    number_text(out, "endTimeUnixNano", span->ended_us * 1000);
    json_key(out, "attributes");
    json_open(out, '[');
    for (size_t i = 0; i < span->attribute_count; i++)
        attribute_write(&span->attributes[i], out);
    json_close(out, ']');
    if (!trace_is_none(&span->link)) {
        json_key(out, "links");
        json_open(out, '[');
        json_open(out, '{');
        ids_write(out, &span->link);
        json_close(out, '}');
        json_close(out, ']');
    }
    if (span->failed) {
        json_key(out, "status");
        json_open(out, '{');
        json_key_int(out, "code", STATUS_ERROR);
        json_close(out, '}');
    }
    json_close(out, '}');
}

static bool is_same_process(const struct otlp_entry *a, const struct otlp_entry *b)
{
    return strcmp(a->role, b->role) == 0 && strcmp(a->slot, b->slot) == 0;
}

static void resource_write(const struct otlp_entry *entry, const struct otlp_source *source,
                           struct buf *out)
{
    AUTO(buf) instance = {0};

    buf_printf(&instance, "%s-%s@%.*s", entry->role, entry->slot, STR_ARG(source->host));
    json_key(out, "resource");
    json_open(out, '{');
    json_key(out, "attributes");
    json_open(out, '[');
    word_attribute(out, "service.namespace", STR("nexus"));
    word_attribute(out, "service.name", str_of(entry->role));
    word_attribute(out, "service.instance.id", buf_str(&instance));
    word_attribute(out, "service.version", source->version);
    word_attribute(out, "host.name", source->host);
    json_close(out, ']');
    json_close(out, '}');
}

// All spans of the process of the first one; each is removed from the queue.
static void process_write(struct otlp_queue *queue, size_t first, size_t count,
                          const struct otlp_source *source, struct buf *out)
{
    const struct otlp_entry *process = entry_at(queue, first);

    json_open(out, '{');
    resource_write(process, source, out);
    json_key(out, "scopeSpans");
    json_open(out, '[');
    json_open(out, '{');
    json_key(out, "scope");
    json_raw(out, STR("{\"name\":\"nexus\"}"));
    json_key(out, "spans");
    json_open(out, '[');
    for (size_t i = first; i < count; i++) {
        struct otlp_entry *entry = entry_at(queue, i);
        if (entry->text.len == 0 || !is_same_process(process, entry))
            continue;
        json_raw(out, buf_str(&entry->text));
        buf_clear(&entry->text);
    }
    json_close(out, ']');
    json_close(out, '}');
    json_close(out, ']');
    json_close(out, '}');
}

size_t otlp_queue_take(struct otlp_queue *queue, size_t limit, const struct otlp_source *source,
                       struct buf *out)
{
    size_t count = queue->count < limit ? queue->count : limit;

    json_open(out, '{');
    json_key(out, "resourceSpans");
    json_open(out, '[');
    for (size_t i = 0; i < count; i++)
        if (entry_at(queue, i)->text.len > 0)
            process_write(queue, i, count, source, out);
    json_close(out, ']');
    json_close(out, '}');
    for (size_t i = 0; i < count; i++)
        first_forget(queue);
    return count;
}
