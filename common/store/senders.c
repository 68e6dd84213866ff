// senders: see the header.
#include "store/senders.h"

bool senders_read(struct senders *senders, struct str field, struct str text, struct err *err)
{
    senders->spellings = (struct pg_texts){0};
    senders->codes = (struct pg_texts){0};
    if (!str_present(text))
        return true;
    size_t count = sender_meanings(text, senders->meanings);
    if (count == 0)
        return err_set(err, ERR_BAD_INPUT, "%.*s: " SENDER_RULE, STR_ARG(field));
    for (size_t i = 0; i < count; i++) {
        senders->texts[i] = str_make(senders->meanings[i].text, senders->meanings[i].length);
        senders->countries[i] = senders->meanings[i].code;
    }
    senders->spellings = (struct pg_texts){senders->texts, count};
    senders->codes = (struct pg_texts){senders->countries, count};
    return true;
}
