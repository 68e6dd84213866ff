// senders: search for senders by phone number or name, for statements that take senders_meant()
// (db/functions/inbound/sender.sql).
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "io/pg/pg.h"
#include "text/phone.h"

#include <stdbool.h>

// The spellings that a text may stand for, and of which country each is. They point into the
// struct, which stays where it is, and into the text.
struct senders {
    struct pg_texts spellings, codes;
    struct sender_meaning meanings[SENDER_MEANINGS_MAX];
    struct str texts[SENDER_MEANINGS_MAX], countries[SENDER_MEANINGS_MAX];
};

// Absent text: all senders, which the statement gets as NULL.
MUST_USE bool senders_read(struct senders *senders, struct str field, struct str text,
                           struct err *err);
