// Which messages the simulator keeps, and which it forgets.
#include "simulator/messages/history.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static struct remembered *add(struct history *history, struct str message_id, struct str text)
{
    return history_add(history, &(struct remembered){.direction = TO_PHONE,
                                                     .message_id = message_id,
                                                     .channel = STR("18445551212"),
                                                     .from = STR("+18445551212"),
                                                     .to = STR("+15550001111"),
                                                     .text = text,
                                                     .state = "received"});
}

Test(history, finds_by_sequence_and_by_message_id_within_a_channel)
{
    struct history *history = history_new();

    add(history, STR("a"), STR("first"));
    struct remembered *second = add(history, STR("b"), STR("second"));

    cr_expect(eq(ptr, history_get(history, 2), second));
    cr_expect(eq(ptr, history_find(history, STR("18445551212"), STR("b")), second));
    cr_expect(eq(ptr, history_find(history, STR("1"), STR("b")), NULL));
    cr_expect(eq(ptr, history_get(history, 3), NULL));
    history_free(&history);
}

Test(history, forgets_the_oldest_above_a_hundred_thousand)
{
    struct history *history = history_new();
    char id[16];

    for (int i = 1; i <= 100001; i++) {
        snprintf(id, sizeof id, "%d", i);
        add(history, str_of(id), STR("x"));
    }

    cr_expect(eq(ptr, history_get(history, 1), NULL));
    cr_expect(eq(ptr, history_find(history, STR("18445551212"), STR("1")), NULL));
    cr_expect(ne(ptr, history_get(history, 2), NULL));
    cr_expect(ne(ptr, history_find(history, STR("18445551212"), STR("100001")), NULL));
    history_free(&history);
}

Test(history, forgets_the_oldest_above_its_limit_of_bytes)
{
    static const char text[1024 * 1024];
    struct history *history = history_new();

    for (int i = 0; i < 70; i++)
        add(history, STR("id"), str_make(text, sizeof text));

    cr_expect(eq(ptr, history_get(history, 1), NULL));
    cr_expect(ne(ptr, history_get(history, 70), NULL));
    history_free(&history);
}

Test(history, continues_its_sequence_after_it_was_cleared)
{
    struct history *history = history_new();

    add(history, STR("a"), STR("x"));
    history_clear(history);

    cr_expect(eq(ptr, history_find(history, STR("18445551212"), STR("a")), NULL));
    cr_expect(eq(u64, add(history, STR("b"), STR("x"))->sequence, 2));
    history_free(&history);
}

Test(history, lists_the_messages_of_a_number_page_by_page)
{
    struct history *history = history_new();
    AUTO(buf) json = {0};

    add(history, STR("a"), STR("one"));
    add(history, STR("b"), STR("two"));
    add(history, STR("c"), STR("three"));

    history_write(history, 0, STR("15550001111"), 2, &json);
    const char *page = buf_c_string(&json);
    cr_expect(strstr(page, "\"one\"") && strstr(page, "\"two\"") && !strstr(page, "\"three\""));
    cr_expect(strstr(page, "\"next\":2") != NULL, "%s", page);

    buf_clear(&json);
    history_write(history, 2, STR("+1999"), 2, &json);
    cr_expect(eq(str, (char *)(uintptr_t)buf_c_string(&json), "{\"messages\":[],\"next\":3}"));
    history_free(&history);
}
