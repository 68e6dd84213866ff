// Settings of the simulated gateways and phones.
#include "simulator/channels/channels.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static bool set(struct knobs *knobs, struct str json, struct err *err)
{
    struct arena *arena = arena_new();
    const struct json_view *object;
    bool done = json_parse(json, arena, &object, err) && knobs_read(object, arena, knobs, err);

    arena_free(&arena);
    return done;
}

Test(knobs, sets_named_members_and_keeps_the_others)
{
    struct knobs knobs = knobs_default;
    struct err err;

    cr_assert(set(&knobs,
                  STR("{\"latency_ms\":250,\"error_rate\":0.5,\"hang\":true,\"receipts\":\"late\","
                      "\"messageId\":false,\"secret\":\"s3cret\"}"),
                  &err));

    cr_expect(eq(i64, knobs.latency_ms, 250));
    cr_expect(eq(dbl, knobs.error_rate, 0.5));
    cr_expect(eq(dbl, knobs.hang, 1.0));
    cr_expect(eq(int, (int)knobs.receipts, RECEIPTS_LATE));
    cr_expect(not(knobs.message_id));
    cr_expect(eq(str, knobs.secret, "s3cret"));
    cr_expect(eq(i64, knobs.receipt_state, 2));
}

Test(knobs, refuses_unknown_names_and_bad_values_and_then_sets_nothing)
{
    static const struct str faulty[] = {STR_INIT("{\"latency_ms\":5,\"latency\":5}"),
                                        STR_INIT("{\"latency_ms\":5,\"status\":600}"),
                                        STR_INIT("{\"latency_ms\":5,\"error_rate\":1.5}"),
                                        STR_INIT("{\"latency_ms\":5,\"error_rate\":\"x\"}"),
                                        STR_INIT("{\"latency_ms\":5,\"receipts\":\"soon\"}"),
                                        STR_INIT("{\"latency_ms\":5,\"messageId\":1}"),
                                        STR_INIT("{\"latency_ms\":-1}")};

    for (size_t i = 0; i < COUNT_OF(faulty); i++) {
        struct knobs knobs = knobs_default;
        struct err err;

        cr_expect(not(set(&knobs, faulty[i], &err)), "%s", faulty[i].ptr);
        cr_expect(eq(i64, knobs.latency_ms, 0), "%s", faulty[i].ptr);
    }
}

Test(knobs, never_shows_a_secret)
{
    AUTO(buf) json = {0};
    struct knobs knobs = knobs_default;
    struct err err;

    cr_assert(set(&knobs, STR("{\"secret\":\"s3cret\",\"key\":\"k3y\",\"ccid\":\"c\"}"), &err));
    knobs_write(&knobs, &json);

    const char *text = buf_c_string(&json);
    cr_expect(strstr(text, "s3cret") == NULL && strstr(text, "k3y") == NULL, "%s", text);
    cr_expect(strstr(text, "\"ccid\":\"c\"") != NULL, "%s", text);
}

Test(channels, know_a_number_with_and_without_its_plus)
{
    struct channels *channels = channels_new();

    struct channel *channel = channels_get(channels, STR("+18445551212"));

    cr_expect(eq(ptr, channels_get(channels, STR("18445551212")), channel));
    cr_expect(ne(ptr, channels_get(channels, STR("18445551213")), channel));
    channels_free(&channels);
}

Test(channels, have_the_default_knobs_until_they_get_their_own)
{
    struct channels *channels = channels_new();
    struct channel *one = channels_get(channels, STR("1")), *two = channels_get(channels, STR("2"));

    channel_own_knobs(channels, one)->status = 500;
    channels_default_knobs(channels)->status = 429;

    cr_expect(eq(i64, channel_knobs(channels, one)->status, 500));
    cr_expect(eq(i64, channel_knobs(channels, two)->status, 429));
    channels_reset_knobs(channels);
    cr_expect(eq(i64, channel_knobs(channels, one)->status, 0));
    cr_expect(eq(i64, channel_knobs(channels, two)->status, 0));
    channels_free(&channels);
}

Test(channels, share_one_channel_above_their_limit)
{
    struct channels *channels = channels_new();
    char number[16];

    for (int i = 0; i < 10001; i++) {
        snprintf(number, sizeof number, "%d", 100000 + i);
        (void)channels_get(channels, str_of(number));
    }

    cr_expect(eq(str, channels_get(channels, STR("777"))->name, "others"));
    cr_expect(eq(str, channels_get(channels, STR("100000"))->name, "100000"));
    channels_free(&channels);
}
