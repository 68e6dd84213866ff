// sms_keyword: see the header.
#include "sms-worker/sms_keyword.h"

static const struct {
    struct str word;
    enum sms_keyword meaning;
} words[] = {
    {STR_INIT("stop"), SMS_KEYWORD_STOP},        {STR_INIT("stopall"), SMS_KEYWORD_STOP},
    {STR_INIT("stop all"), SMS_KEYWORD_STOP},    {STR_INIT("quit"), SMS_KEYWORD_STOP},
    {STR_INIT("end"), SMS_KEYWORD_STOP},         {STR_INIT("revoke"), SMS_KEYWORD_STOP},
    {STR_INIT("optout"), SMS_KEYWORD_STOP},      {STR_INIT("opt out"), SMS_KEYWORD_STOP},
    {STR_INIT("opt-out"), SMS_KEYWORD_STOP},     {STR_INIT("cancel"), SMS_KEYWORD_STOP},
    {STR_INIT("unsubscribe"), SMS_KEYWORD_STOP}, {STR_INIT("start"), SMS_KEYWORD_START},
    {STR_INIT("yes"), SMS_KEYWORD_START},        {STR_INIT("unstop"), SMS_KEYWORD_START},
    {STR_INIT("help"), SMS_KEYWORD_HELP},        {STR_INIT("info"), SMS_KEYWORD_HELP},
};

static bool is_decoration(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '.' || c == '!' || c == '?' ||
           c == ',' || c == '"' || c == '\'' || c == '*';
}

enum sms_keyword sms_keyword(struct str text)
{
    while (text.len > 0 && is_decoration(text.ptr[0]))
        text = str_skip(text, 1);
    while (text.len > 0 && is_decoration(text.ptr[text.len - 1]))
        text.len--;
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (str_equal_ignoring_case(text, words[i].word))
            return words[i].meaning;
    return SMS_KEYWORD_NONE;
}
