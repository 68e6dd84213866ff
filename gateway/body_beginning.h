// body_beginning: the first 32 KiB of a chunked body, which may well be all of it and then needs no place (large_body.h).
#pragma once

#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

struct exchange;

struct body_beginnings {
    struct list all; // oldest first
    // The exchange's body_begin is there. is_whole: nothing comes behind it.
    void (*came)(void *context, struct exchange *exchange, bool is_whole);
    void *context;
};

void body_beginning_read(struct body_beginnings *beginnings, struct exchange *exchange);
// Ends those of which nothing was heard for too long.
void body_beginnings_look(struct body_beginnings *beginnings, int64_t now_ms);
// Answers all.
void body_beginnings_end(struct body_beginnings *beginnings);
