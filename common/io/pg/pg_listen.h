// pg_listen: listens on one channel of PostgreSQL (NOTIFY), on a connection of its own.
//
// Notifications that are sent while the connection is down are lost. So began() runs whenever
// listening begins, the first time and after each loss, and the listener must then assume that
// everything has changed. A connection is tried again after 100 ms, doubling to 2 s. A silent
// server gets a query every second, and is left when no answer comes for 2 s.
#pragma once

#include "base/str.h"

#include <uv.h>

struct pg_listen;

struct pg_listen_options {
    const char *url; // as in pg.h; must outlive the listener
    const char *application;
    const char *channel; // a lower-case name
    void (*began)(void *context);
    void (*heard)(void *context, struct str payload); // valid inside the callback
    void *context;
};

struct pg_listen *pg_listen_new(uv_loop_t *loop, const struct pg_listen_options *options);
void pg_listen_close(struct pg_listen **listen); // no callback runs after it
