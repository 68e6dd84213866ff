// The key by which a text is compared with the words that mean STOP, START and HELP.
#include "sms-worker/inbound/keyword.h"

#include "base/attributes.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#define LETTERS_48 "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijkl"

Test(keyword, is_the_letters_and_digits_in_lower_case_and_a_repeated_word_once)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"STOP", "stop"},
        {"  Stop-All!\n", "stopall"},
        {"S T O P", "stop"},
        {"stop stop STOP", "stop"},
        {"STOP. stop. Stop. STOP! stop? STOP; [stop] STOP: (stop) STOP, stop STOP", "stop"},
        {"STOP                                                                !", "stop"},
        {"abab a", "ababa"},
        {"1", "1"},
        {"11", "1"},
        {"", ""},
        {" ... !", ""},
        {LETTERS_48, LETTERS_48},
        {LETTERS_48 ".", LETTERS_48},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char room[KEYWORD_KEY_LIMIT];
        struct str key = keyword_key(str_of(rows[i].text), room);
        cr_assert(str_present(key) && str_equal(key, str_of(rows[i].want)), "%s: %.*s",
                  rows[i].text, STR_ARG(key));
    }
}

Test(keyword, is_absent_if_there_are_more_letters_than_a_word_may_have)
{
    char room[KEYWORD_KEY_LIMIT];

    cr_assert(str_equal(keyword_key(STR(LETTERS_48 "m"), room), STR("")));
    cr_assert(str_equal(keyword_key(STR("\xC3\x89" LETTERS_48 "m"), room), STR("")));
}

Test(keyword, of_a_text_with_other_letters_is_left_to_the_database)
{
    char room[KEYWORD_KEY_LIMIT];

    cr_assert(not(str_present(keyword_key(STR("ARR\xC3\x8AT"), room))));
    cr_assert(not(str_present(keyword_key(STR("STOP \xF0\x9F\x9B\x91"), room))));
}

Test(keyword, of_a_text_that_may_have_a_signature_is_left_to_the_database)
{
    static const char *const texts[] = {
        "STOP\n-- \nJane",          "Stop. Sent from my iPhone", "stop\r\n\r\n> hello",
        "Stopp\nVon meinem iPhone", "STOP\nGet Outlook for iOS", "end\n\n___\n" LETTERS_48,
    };
    static const char *const others[] = {"Sent from my iPhone", "\n-- \nSTOP", "consent from",
                                         "STOP -"};
    char room[KEYWORD_KEY_LIMIT];

    for (size_t i = 0; i < COUNT_OF(texts); i++)
        cr_assert(not(str_present(keyword_key(str_of(texts[i]), room))), "%s", texts[i]);
    for (size_t i = 0; i < COUNT_OF(others); i++)
        cr_assert(str_present(keyword_key(str_of(others[i]), room)), "%s", others[i]);
}
