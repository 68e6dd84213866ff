#include "base/err.h"

#include "rows.h"

Test(err, err_set_returns_false)
{
    struct err err;

    bool result = err_set(&err, ERR_BAD_INPUT, "port is %d, limit %d", 70000, 65535);

    cr_assert(not(result));
    cr_assert(eq(int, err.code, ERR_BAD_INPUT));
    cr_assert(eq(str, err.text, "port is 70000, limit 65535"));
}

Test(err, err_in_puts_the_place_before_the_text)
{
    struct err err;

    err_set(&err, ERR_NOT_FOUND, "no such file");
    err_in(&err, "NEXUS_PG_URL");

    cr_assert(eq(int, err.code, ERR_NOT_FOUND));
    cr_assert(eq(str, err.text, "NEXUS_PG_URL: no such file"));
}

Test(err, a_text_over_the_limit_is_cut_off)
{
    char text[1000];
    struct err err;

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    err_set(&err, ERR_INTERNAL, "%s", text);
    err_in(&err, text);

    cr_assert(eq(sz, strlen(err.text), sizeof err.text - 1));
}

Test(err, only_temporary_errors_are_retried)
{
    for (int code = 0; code < ERR_COUNT; code++) {
        int status = err_http_status((enum err_code)code);
        bool expected = code == ERR_STILL_RUNNING || status == 408 || status == 429 ||
                        status == 503 || status == 504;
        cr_assert(eq(int, err_is_retryable((enum err_code)code), expected), "%s",
                  err_name((enum err_code)code).ptr);
    }
}

Test(err, every_code_has_its_own_name)
{
    for (int a = 0; a < ERR_COUNT; a++)
        for (int b = 0; b < a; b++)
            cr_assert(not(str_equal(err_name((enum err_code)a), err_name((enum err_code)b))));
}
