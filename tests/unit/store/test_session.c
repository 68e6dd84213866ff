#include "store/session.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

Test(session, every_secret_is_another_and_plausible)
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

Test(session, what_follows_from_a_secret_does_not_tell_it_and_differs_by_use)
{
    char secret[SESSION_SECRET_LENGTH + 1], csrf[SESSION_CSRF_LENGTH + 1];
    unsigned char digest[SHA256_BYTES];

    session_secret_new(secret);
    session_csrf(str_of(secret), csrf);
    session_digest(str_of(secret), digest);

    cr_assert(not(str_equal(str_of(csrf), str_of(secret))));
    cr_assert(eq(sz, strlen(csrf), SESSION_CSRF_LENGTH));
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
