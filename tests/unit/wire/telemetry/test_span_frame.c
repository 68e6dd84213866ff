#include "wire/telemetry/span_frame.h"

#include "base/clock.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static const struct trace trace = {.high = UINT64_MAX, .low = 2, .span = 3};

static struct seen {
    size_t count;
    struct span_origin origin;
    struct span span; // the last one
} seen;

static void take(void *context, const struct span_origin *origin, const struct span *span)
{
    (void)context;
    seen = (struct seen){seen.count + 1, *origin, *span};
}

static void frame_make(struct buf *frame, struct id message)
{
    struct spans *spans = spans_new(1);

    (void)spans_add(spans, SPAN_HTTP_ACCEPT, &trace, false, clock_monotonic_us());
    struct span *span =
        spans_add(spans, SPAN_WEBHOOK_ATTEMPT, &trace, true, clock_monotonic_us() - 1000);
    span->parent = 4;
    span->link = (struct trace){5, 6, 7, 0};
    span_int(span, "nexus.attempt", -8);
    span_word(span, "nexus.outcome", STR("retry"));
    span_id(span, "nexus.message_id", message);
    span_frame_encode(STR("sms-worker"), STR("1"), spans, frame);
    spans_free(&spans);
}

Test(span_frame, is_read_as_it_was_written)
{
    AUTO(buf) frame = {0};
    struct id message = id_new();
    char text[ID_TEXT_LENGTH + 1];
    struct err err;

    frame_make(&frame, message);
    cr_assert(span_frame_is(buf_str(&frame)));
    cr_assert(span_frame_decode(buf_str(&frame), take, NULL, &err), "%s", err.text);

    cr_assert(eq(sz, seen.count, 2));
    cr_assert(str_equal(seen.origin.role, STR("sms-worker")));
    cr_assert(str_equal(seen.origin.slot, STR("1")));
    cr_assert(str_equal(seen.span.name, STR("webhook.attempt")));
    cr_assert(eq(int, seen.span.kind, SPAN_KIND_CLIENT));
    cr_assert(seen.span.failed);
    cr_assert(seen.span.trace.high == UINT64_MAX && seen.span.trace.span == 3);
    cr_assert(seen.span.parent == 4 && seen.span.link.high == 5 && seen.span.link.span == 7);
    cr_assert(ge(i64, seen.span.ended_us - seen.span.started_us, 1000));
    cr_assert(eq(sz, seen.span.attribute_count, 3));
    cr_assert(eq(i64, seen.span.attributes[0].number, -8));
    cr_assert(str_equal(seen.span.attributes[1].word, STR("retry")));
    id_text(message, text);
    cr_assert(str_equal(seen.span.attributes[2].word, str_of(text)));
}

Test(span_frame, is_refused_if_it_is_cut_off_or_not_a_span_frame)
{
    AUTO(buf) frame = {0};
    struct err err;

    frame_make(&frame, id_new());
    for (size_t length = 0; length < frame.len; length++)
        cr_assert(not(span_frame_decode(str_make(frame.data, length), take, NULL, &err)), "%zu",
                  length);
    cr_assert(not(span_frame_is(STR("\x96\x01"))));
    cr_assert(not(span_frame_decode(STR("\x95\xa5spans\x02\xa1x\xa1y\x90"), take, NULL, &err)));

    cr_assert(zero(sz, seen.count));
}

Test(span_frame, skips_spans_that_it_does_not_understand)
{
    struct err err;

    cr_assert(
        span_frame_decode(STR("\x95\xa5spans\x01\xa1x\xa1y\x92\x01\x91\x01"), take, NULL, &err));

    cr_assert(zero(sz, seen.count));
}
