#include "metrics-agent/otlp_queue.h"

#include "wire/json/codec_json.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static const struct otlp_source source = {.host = STR_INIT("pod-1"), .version = STR_INIT("abc")};
static const struct span_origin gateway = {STR_INIT("gateway"), STR_INIT("0")},
                                worker = {STR_INIT("sms-worker"), STR_INIT("1")};

static struct span numbered(uint64_t number)
{
    return (struct span){.trace = {.high = 0xab, .low = 1, .span = number},
                         .name = STR("bus"),
                         .kind = SPAN_KIND_CLIENT,
                         .started_us = 1700000000000001,
                         .ended_us = 1700000000000002};
}

static void put(struct otlp_queue *queue, const struct span_origin *origin, uint64_t number)
{
    struct span span = numbered(number);
    otlp_queue_put(queue, origin, &span);
}

static bool contains(const struct buf *text, const char *part)
{
    return memmem(text->data, text->len, part, strlen(part)) != NULL;
}

Test(otlp_queue, writes_a_span_in_the_form_of_otlp)
{
    AUTO(buf) json = {0};
    struct span span = numbered(0x2f);

    span.parent = 0x30;
    span.link = (struct trace){1, 2, 3, 0};
    span.failed = true;
    span_int(&span, "nexus.attempt", 3);
    span_word(&span, "nexus.outcome", STR("retry"));
    otlp_span_write(&span, &json);

    cr_assert(
        str_equal(
            buf_str(&json),
            STR("{\"traceId\":\"00000000000000ab0000000000000001\",\"spanId\":\"000000000000002f\","
                "\"parentSpanId\":\"0000000000000030\",\"name\":\"bus\",\"kind\":3,"
                "\"startTimeUnixNano\":\"1700000000000001000\",\"endTimeUnixNano\":"
                "\"1700000000000002000\",\"attributes\":[{\"key\":\"nexus.attempt\",\"value\":{"
                "\"intValue\":\"3\"}},{\"key\":\"nexus.outcome\",\"value\":{\"stringValue\":"
                "\"retry\"}}],"
                "\"links\":[{\"traceId\":\"00000000000000010000000000000002\",\"spanId\":"
                "\"0000000000000003\"}],\"status\":{\"code\":2}}")),
        "%.*s", STR_ARG(buf_str(&json)));
}

Test(otlp_queue, names_the_process_of_the_spans_once_a_batch)
{
    struct otlp_queue *queue = otlp_queue_new(8);
    struct arena *arena = arena_new();
    const struct json_view *view = NULL;
    AUTO(buf) body = {0};
    struct err err;

    put(queue, &gateway, 1);
    put(queue, &worker, 2);
    put(queue, &gateway, 3);
    cr_assert(eq(sz, otlp_queue_take(queue, 8, &source, &body), 3));

    cr_assert(json_parse(buf_str(&body), arena, &view, &err), "%s", err.text);
    const struct json_view *resources = json_member(view, "resourceSpans");
    cr_assert(ne(ptr, (void *)json_element(resources, 1), NULL));
    cr_assert(zero(ptr, (void *)json_element(resources, 2)));
    cr_assert(contains(&body, "gateway-0@pod-1") && contains(&body, "sms-worker-1@pod-1"));
    arena_free(&arena);
    otlp_queue_free(&queue);
}

Test(otlp_queue, gives_out_the_oldest_first_up_to_the_limit)
{
    struct otlp_queue *queue = otlp_queue_new(8);
    AUTO(buf) body = {0};

    for (uint64_t number = 1; number <= 5; number++)
        put(queue, &gateway, number);
    cr_assert(eq(sz, otlp_queue_take(queue, 2, &source, &body), 2));

    cr_assert(contains(&body, "\"0000000000000001\"") && contains(&body, "\"0000000000000002\""));
    cr_assert(not(contains(&body, "\"0000000000000003\"")));
    cr_assert(eq(sz, otlp_queue_count(queue), 3));
    otlp_queue_free(&queue);
}

Test(otlp_queue, drops_the_oldest_for_the_newest_and_counts)
{
    struct otlp_queue *queue = otlp_queue_new(3);
    AUTO(buf) body = {0};

    for (uint64_t number = 1; number <= 5; number++)
        put(queue, &gateway, number);
    cr_assert(eq(u64, otlp_queue_dropped(queue), 2));
    cr_assert(eq(sz, otlp_queue_take(queue, 8, &source, &body), 3));

    cr_assert(not(contains(&body, "\"0000000000000002\"")));
    cr_assert(contains(&body, "\"0000000000000005\""));
    otlp_queue_free(&queue);
}
