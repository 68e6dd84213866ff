// journal: an append-only file with one JSON line for every webhook received, for an auditor that
// trusts neither Nexus nor this process's memory. Lines of one round of the loop are written and
// synced together before it sleeps.
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <uv.h>

struct journal;

struct journal *journal_open(uv_loop_t *loop, struct str path, struct err *err); // NULL on error
void journal_close(
    struct journal **journal); // writes what waits; memory goes with the loop's round
void journal_append(struct journal *journal, struct str line); // adds the line's end
