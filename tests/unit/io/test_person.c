#include "io/person.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static const unsigned char key[PERSON_KEY_BYTES] = {1}, other_key[PERSON_KEY_BYTES] = {2};

static bool is_same(struct log_person a, struct log_person b)
{
    return strcmp(a.text, b.text) == 0;
}

Test(person, shows_a_token_and_the_last_two_digits_of_a_number)
{
    struct log_person person = person_token(key, STR("+15551230042"));

    cr_assert(eq(sz, strlen(person.text), 19));
    cr_assert(eq(str, person.text + 16, "-42"));
    cr_assert(zero(ptr, strstr(person.text, "5551230")));
}

Test(person, shows_a_token_and_the_domain_of_an_address)
{
    struct log_person person = person_token(key, STR("ada.lovelace@example.com"));

    cr_assert(eq(str, person.text + 16, "@example.com"));
    cr_assert(zero(ptr, strstr(person.text, "lovelace")));
}

Test(person, gives_the_same_number_the_same_token_under_the_same_key_only)
{
    struct str number = STR("+15551230042"), other = STR("+15551230142");

    cr_assert(is_same(person_token(key, number), person_token(key, number)));
    cr_assert(not(is_same(person_token(key, number), person_token(key, other))));
    cr_assert(not(is_same(person_token(key, number), person_token(other_key, number))));
}

Test(person, is_nobody_where_there_is_no_number)
{
    cr_assert(not(str_present(log_person_text(&(struct log_person){.text = ""}))));
    cr_assert(zero(sz, strlen(person_token(key, STR_ABSENT).text)));
}

Test(person, holds_out_against_long_domains)
{
    char address[300] = "a@";
    memset(address + 2, 'x', 290);

    cr_assert(eq(sz, strlen(person_token(key, str_of(address)).text), 16 + 1 + 64));
}
