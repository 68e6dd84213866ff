// offenders: peers whose frames break the rules, without I/O. Ten offences within a minute and the
// peer is not listened to for the next one. The table is fixed: strangers cannot make it grow.
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum { OFFENDERS_LIMIT = 64, OFFENCES_LIMIT = 10, OFFENCE_WINDOW_MS = 60000 };

struct offenders {
    struct offender {
        uint64_t peer; // hash of its routing id; 0: free
        int64_t since_ms;
        unsigned offences;
    } entries[OFFENDERS_LIMIT];
};

void offenders_note(struct offenders *offenders, struct str peer, int64_t now_ms);
bool offenders_banned(const struct offenders *offenders, struct str peer, int64_t now_ms);
