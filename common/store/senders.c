// senders: see the header.
#include "senders.h"

#include "wire/phone.h"

bool senders_bind(struct pg_params *params, struct str field, struct str text, struct err *err)
{
    struct sender_meaning meanings[SENDER_MEANINGS_MAX];

    if (!str_present(text)) {
        pg_null(params);
        pg_null(params);
        return true;
    }
    size_t count = sender_meanings(text, meanings);
    if (count == 0)
        return err_set(err, ERR_BAD_INPUT, "%.*s: " SENDER_RULE, STR_ARG(field));
    pg_array(params, PG_ELEMENT_TEXT, count);
    for (size_t i = 0; i < count; i++)
        pg_add_text(params, str_make(meanings[i].text, meanings[i].length));
    pg_array(params, PG_ELEMENT_TEXT, count);
    for (size_t i = 0; i < count; i++)
        pg_add_text(params, meanings[i].code);
    return true;
}
