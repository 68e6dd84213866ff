// body_beginning: reads the first 32 KiB (LARGE_BODY_OVER) of a chunked body. If the body ends
// there it needs no place (large_body.h). The caller is already known. The time limit is 10 s, then
// 408. Each one takes 32 KiB and a connection, so their number is limited by NEXUS_HTTP_CONNECTIONS
// and the share of an address.
#pragma once

#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

struct exchange;

struct body_beginnings {
    struct list all; // oldest first
    // The exchange's body_begin is set. is_whole: it is the whole body.
    void (*came)(void *context, struct exchange *exchange, bool is_whole);
    void *context;
};

// Ends in came(), or the exchange is answered: 400, 408, 503.
void body_beginning_read(struct body_beginnings *beginnings, struct exchange *exchange);
// Answers those whose time limit has passed.
void body_beginnings_look(struct body_beginnings *beginnings, int64_t now_ms);
// Answers all.
void body_beginnings_end(struct body_beginnings *beginnings);
