// senders: whom somebody looks for by phone number or name, for statements that take senders_meant()
// (db/functions/sender.sql).
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "io/pg.h"

#include <stdbool.h>

// Two parameters: the spellings that text may stand for, and of which country each is. Absent text: two NULLs.
MUST_USE bool senders_bind(struct pg_params *params, struct str field, struct str text,
                           struct err *err);
