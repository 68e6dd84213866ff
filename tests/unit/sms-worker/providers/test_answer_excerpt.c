// answer_excerpt: the excerpt of an answer shows its shape and its codes, and no personal data.
#include "sms-worker/providers/answer_excerpt.h"

#include "base/buf.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static struct arena *arena;

static void open_arena(void)
{
    arena = arena_new();
}

static void close_arena(void)
{
    arena_free(&arena);
}

TestSuite(answer_excerpt, .init = open_arena, .fini = close_arena);

static const char *excerpt(const char *body)
{
    return arena_c_string(arena, answer_excerpt(str_of(body), arena));
}

Test(answer_excerpt, masks_values_and_keeps_the_shape)
{
    cr_assert(
        eq(str,
           (char *)excerpt(
               "{\"error\":{\"message\":\"Hi Ada\",\"ok\":false},\"to\":[\"+15551234567\",null]}"),
           "{\"error\":{\"message\":\"*6\",\"ok\":false},\"to\":[\"*12\",null]}"));
}

Test(answer_excerpt, keeps_a_code_but_no_number_that_could_be_a_phone_number)
{
    cr_assert(eq(
        str,
        (char *)excerpt(
            "{\"code\":30007,\"status\":-1,\"errorCode\":15551234567,\"to\":4711,\"state\":1.5}"),
        "{\"code\":30007,\"status\":-1,\"errorCode\":#,\"to\":#,\"state\":#}"));
}

Test(answer_excerpt, masks_names_that_are_not_names_of_fields)
{
    cr_assert(eq(str,
                 (char *)excerpt("{\"+15551234567\":1,\"call me\":2,\"\":3,\"n15551\":4,\"n1\":5}"),
                 "{\"*12\":#,\"*7\":#,\"*0\":#,\"*6\":#,\"n1\":#}"));
}

Test(answer_excerpt, gives_only_the_length_of_other_formats_than_json)
{
    cr_assert(eq(str, (char *)excerpt("<h1>Ada</h1>"), "12 bytes that are not JSON"));
    cr_assert(eq(str, (char *)excerpt(""), "an empty body"));
    cr_assert(eq(str, (char *)excerpt("\"Ada\""), "\"*3\""));
}

Test(answer_excerpt, is_never_longer_than_its_limit)
{
    AUTO(buf) body = {0};
    buf_byte(&body, '[');
    for (int i = 0; i < 2000; i++)
        buf_str_append(&body, STR("{\"a\":[\"x\"]},"));
    buf_str_append(&body, STR("0]"));

    cr_assert(eq(sz, answer_excerpt(buf_str(&body), arena).len, ANSWER_EXCERPT_LIMIT));
}
