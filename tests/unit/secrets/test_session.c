#include "secrets/session.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

Test(session, every_secret_differs_and_has_the_right_form)
{
    char one[SESSION_SECRET_LENGTH + 1], other[SESSION_SECRET_LENGTH + 1];

    session_secret_new(one);
    session_secret_new(other);

    cr_assert(session_secret_is_plausible(str_of(one)));
    cr_assert(not(str_equal(str_of(one), str_of(other))));
    cr_assert(not(session_secret_is_plausible(STR("short"))));
    one[3] = 'g';
    cr_assert(not(session_secret_is_plausible(str_of(one))));
}

Test(session, derived_values_do_not_reveal_the_secret_and_differ_by_use)
{
    char secret[SESSION_SECRET_LENGTH + 1], csrf[SESSION_CSRF_LENGTH + 1];
    unsigned char digest[SHA256_BYTES];
    AUTO(buf) stored = {0};

    session_secret_new(secret);
    session_csrf(str_of(secret), csrf);
    session_digest(str_of(secret), digest);
    buf_hex(&stored, str_make(digest, sizeof digest));

    cr_assert(eq(sz, strlen(csrf), SESSION_CSRF_LENGTH));
    cr_assert(not(str_equal(str_of(csrf), str_of(secret))));
    cr_assert(not(str_equal(buf_str(&stored), str_of(secret))));
    cr_assert(not(str_equal(buf_str(&stored), str_of(csrf))));
}

Test(session, only_its_secret_opens_its_token)
{
    char secret[SESSION_SECRET_LENGTH + 1], other[SESSION_SECRET_LENGTH + 1];
    AUTO(buf) sealed = {0};
    AUTO(buf) token = {0};

    session_secret_new(secret);
    session_secret_new(other);
    session_token_seal(str_of(secret), STR("token of GWS"), &sealed);

    cr_assert(not(session_token_open(str_of(other), buf_str(&sealed), &token)));
    cr_assert(not(session_token_open(str_of(secret), STR("token of GWS"), &token)));
    cr_assert(session_token_open(str_of(secret), buf_str(&sealed), &token));
    cr_assert(str_equal(buf_str(&token), STR("token of GWS")));
}
