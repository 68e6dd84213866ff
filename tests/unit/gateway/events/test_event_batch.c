#include "gateway/events/event_batch.h"

#include "rows.h"

static const struct position_row {
    const char *text;
    bool good;
    uint64_t transaction, ordinal;
} position_rows[] = {
    {"0-0", true, 0, 0},
    {"812-4", true, 812, 4},
    {"", false, 0, 0},
    {"5", false, 0, 0},
    {"5-", false, 0, 0},
    {"-5", false, 0, 0},
    {"5--6", false, 0, 0},
    {"5-6-7", false, 0, 0},
    {"5 -6", false, 0, 0},
    {"a-b", false, 0, 0},
    {"9999999999999999999-1", false, 0, 0},
};

ROWS_TEST(event_position, is_two_numbers_with_a_hyphen, position_rows)
{
    struct event_position position = {0};

    cr_assert(eq(int, event_position_parse(str_of(row->text), &position), row->good), "%s",
              row->text);
    cr_assert(eq(u64, position.transaction, row->transaction));
    cr_assert(eq(u64, position.ordinal, row->ordinal));
}

Test(event_position, is_ordered_by_transaction_and_then_by_ordinal)
{
    const struct event_position early = {9, 9}, late = {10, 1}, later = {10, 2};

    cr_assert(event_position_after(late, early));
    cr_assert(event_position_after(later, late));
    cr_assert(not(event_position_after(late, late)));
    cr_assert(not(event_position_after(early, later)));
}

static const struct str reply =
    STR_INIT("{\"events\":[{\"position\":\"5-1\",\"type\":\"message\",\"text\":\"a\\nb\"},"
             "{\"position\":\"5-2\",\"type\":\"state\"}],\"position\":\"6-0\",\"more\":true}");

static void batch_expect(struct event_batch *batch, struct str json, bool want)
{
    struct arena *arena = arena_new();
    struct err err;

    cr_assert(eq(int, event_batch_read(batch, json, arena, &err), want));
    arena_free(&arena);
}

Test(event_batch, makes_a_server_sent_event_of_each_event)
{
    struct event_batch batch = {0};

    batch_expect(&batch, reply, true);

    cr_assert(eq(sz, batch.count, 2));
    cr_assert(batch.more);
    cr_assert(eq(u64, batch.position.transaction, 6));
    cr_assert(
        str_equal(event_batch_text(&batch, 0),
                  STR("id: 5-1\nevent: message\n"
                      "data: {\"position\":\"5-1\",\"type\":\"message\",\"text\":\"a\\nb\"}\n\n")),
        "%.*s", STR_ARG(event_batch_text(&batch, 0)));
    cr_assert(str_equal(event_batch_text(&batch, 1),
                        STR("id: 5-2\nevent: state\n"
                            "data: {\"position\":\"5-2\",\"type\":\"state\"}\n\n")));
    buf_release(&batch.text);
}

Test(event_batch, finds_the_first_event_after_a_position)
{
    struct event_batch batch = {0};

    batch_expect(&batch, reply, true);

    cr_assert(eq(sz, event_batch_after(&batch, (struct event_position){4, 7}), 0));
    cr_assert(eq(sz, event_batch_after(&batch, (struct event_position){5, 1}), 1));
    cr_assert(eq(sz, event_batch_after(&batch, (struct event_position){5, 2}), 2));
    buf_release(&batch.text);
}

Test(event_batch, may_be_empty_and_still_has_a_position)
{
    struct event_batch batch = {0};

    batch_expect(&batch, STR("{\"events\":[],\"position\":\"3-0\",\"more\":false}"), true);

    cr_assert(eq(sz, batch.count, 0));
    cr_assert(eq(u64, batch.position.transaction, 3));
    cr_assert(not(batch.more));
    buf_release(&batch.text);
}

static const struct broken_row {
    const char *json;
} broken_rows[] = {
    {"{"},
    {"{\"events\":[]}"},
    {"{\"events\":[{\"type\":\"message\"}],\"position\":\"3-0\"}"},
    {"{\"events\":[{\"position\":\"3-1\"}],\"position\":\"3-1\"}"},
};

ROWS_TEST(event_batch, refuses_a_reply_without_positions_or_types, broken_rows)
{
    struct event_batch batch = {0};

    batch_expect(&batch, str_of(row->json), false);
    buf_release(&batch.text);
}
