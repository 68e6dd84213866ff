// body_beginning: the first 32 KiB (LARGE_BODY_OVER) of a chunked body, which may well be all of it and then needs no place
// (large_body.h). Its caller is known already. It has 10 s, then 408; each takes 32 KiB and a connection, of which
// there are no more than NEXUS_HTTP_CONNECTIONS, and of one address its share.
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

// Ends in came(), or the exchange is answered: 400, 408, 503.
void body_beginning_read(struct body_beginnings *beginnings, struct exchange *exchange);
// Answers those whose time is over.
void body_beginnings_look(struct body_beginnings *beginnings, int64_t now_ms);
// Answers all.
void body_beginnings_end(struct body_beginnings *beginnings);
