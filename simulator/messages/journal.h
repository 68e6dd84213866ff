// journal: an append-only file with one JSON line for every webhook received, for an auditor that
// trusts neither Nexus nor this process's memory. A line is in the file when journal_append()
// returns, which is before the webhook is answered. Lines outlive the process, not the machine.
#pragma once

#include "base/err.h"
#include "base/str.h"

struct journal;

struct journal *journal_open(struct str path, struct err *err); // NULL on error
void journal_close(struct journal **journal);
void journal_append(struct journal *journal, struct str line); // adds the line's end
