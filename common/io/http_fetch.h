// http_fetch: one GET of a small page from a neighbour that our own settings name, such as
// metrics-agent. Where customers say the address, io/http_client.h has the limits that takes.
//
// Plain http, one connection a page, "Connection: close"; what is longer than the limit or later
// than the timeout is an error (ERR_UNAVAILABLE, with the reason).
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct http_fetch;

// Body of a 200, or the error; runs once, never inside http_fetch_new().
typedef void http_fetch_done_fn(void *context, struct str body, const struct err *err);

struct http_fetch_options {
    struct str url; // http://host[:port][/path]
    size_t limit;
    int64_t timeout_ms;
    http_fetch_done_fn *done;
    void *context;
};

// NULL where the URL cannot be read. Whoever made it closes it, also from inside done.
struct http_fetch *http_fetch_new(uv_loop_t *loop, const struct http_fetch_options *options,
                                  struct err *err);
void http_fetch_close(struct http_fetch **fetch); // done runs no more
