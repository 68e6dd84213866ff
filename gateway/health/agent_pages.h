// agent_pages: reads the pages of metrics-agent, whose address NEXUS_METRICS_URL gives.
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>
#include <uv.h>

struct agent_pages;

struct agent_pages *agent_pages_new(uv_loop_t *loop);
// Ends requests that are still in flight with an error.
void agent_pages_free(struct agent_pages **pages);

enum { AGENT_PAGE_LIMIT = 2 * 1024 * 1024 }; // bytes; a longer page is an error

// The body of a 200, or err: ERR_UNAVAILABLE with the reason.
typedef void agent_pages_fn(void *context, struct str page, const struct err *err);
// done runs once, and later.
void agent_pages_ask(struct agent_pages *pages, struct str url, int64_t timeout_ms,
                     agent_pages_fn *done, void *context);
