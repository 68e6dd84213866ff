#include "secrets/log_token.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static const unsigned char key[LOG_TOKEN_KEY_BYTES] = {1}, other_key[LOG_TOKEN_KEY_BYTES] = {2};

static bool is_same(struct log_token a, struct log_token b)
{
    return strcmp(a.text, b.text) == 0;
}

Test(log_token, shows_a_token_and_the_last_two_digits_of_a_number)
{
    struct log_token person = log_token_make(key, STR("+15551230042"));

    cr_assert(eq(sz, strlen(person.text), 19));
    cr_assert(eq(str, person.text + 16, "-42"));
    cr_assert(zero(ptr, strstr(person.text, "5551230")));
}

Test(log_token, shows_a_token_and_the_domain_of_an_address)
{
    struct log_token person = log_token_make(key, STR("ada.lovelace@example.com"));

    cr_assert(eq(str, person.text + 16, "@example.com"));
    cr_assert(zero(ptr, strstr(person.text, "lovelace")));
}

Test(log_token, gives_the_same_number_the_same_token_under_the_same_key_only)
{
    struct str number = STR("+15551230042"), other = STR("+15551230142");

    cr_assert(is_same(log_token_make(key, number), log_token_make(key, number)));
    cr_assert(not(is_same(log_token_make(key, number), log_token_make(key, other))));
    cr_assert(not(is_same(log_token_make(key, number), log_token_make(other_key, number))));
}

Test(log_token, is_empty_without_a_number)
{
    cr_assert(not(str_present(log_token_text(&(struct log_token){.text = ""}))));
    cr_assert(zero(sz, strlen(log_token_make(key, STR_ABSENT).text)));
}

Test(log_token, shortens_long_domains)
{
    char address[300] = "a@";
    memset(address + 2, 'x', 290);

    cr_assert(eq(sz, strlen(log_token_make(key, str_of(address)).text), 16 + 1 + 64));
}
