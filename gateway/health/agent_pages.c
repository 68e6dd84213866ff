// agent_pages: see the header.
#include "gateway/health/agent_pages.h"

#include "base/heap.h"
#include "base/panic.h"
#include "io/http_client/http_client.h"
#include "io/tcp/address.h"

#include <stdlib.h>

enum { CONNECTIONS = 4 };

struct agent_pages {
    struct address_ranges *everywhere; // the address is the operator's own setting
    struct http_client *client;
};

struct agent_question {
    agent_pages_fn *done;
    void *context;
};

struct agent_pages *agent_pages_new(uv_loop_t *loop)
{
    struct agent_pages *pages = heap_new(sizeof *pages);
    struct err err;

    pages->everywhere = address_grants_parse(STR("0.0.0.0/0, ::/0"), &err);
    ASSERT(pages->everywhere);
    pages->client =
        http_client_new(loop, &(struct http_client_options){.allow = pages->everywhere,
                                                            .connections_limit = CONNECTIONS,
                                                            .connections_per_host = CONNECTIONS,
                                                            .answer_limit = AGENT_PAGE_LIMIT + 1,
                                                            .user_agent = "Nexus gateway"});
    return pages;
}

void agent_pages_free(struct agent_pages **handle)
{
    struct agent_pages *pages = *handle;

    if (!pages)
        return;
    while (http_client_in_flight(pages->client) > 0) // the receiver of the error may ask again
        http_client_abort_all(pages->client);
    *handle = NULL;
    http_client_free(&pages->client);
    address_ranges_free(&pages->everywhere);
    free(pages);
}

static const char *fault_of(const struct http_client_answer *answer)
{
    if (answer->outcome != HTTP_CLIENT_ANSWERED)
        return answer->reason;
    if (answer->status != 200)
        return "the answer is not 200";
    return answer->body.len > AGENT_PAGE_LIMIT ? "the answer is too long" : NULL;
}

static void answered(void *context, const struct http_client_answer *answer)
{
    struct agent_question *asked = context, question = *asked;
    const char *fault = fault_of(answer);
    struct err err;

    free(asked);
    if (fault)
        err_set(&err, ERR_UNAVAILABLE, "metrics-agent cannot be read: %s", fault);
    question.done(question.context, fault ? STR_ABSENT : answer->body, fault ? &err : NULL);
}

// A new connection for each page: a kept one would fail once after each restart of metrics-agent.
void agent_pages_ask(struct agent_pages *pages, struct str url, int64_t timeout_ms,
                     agent_pages_fn *done, void *context)
{
    static const struct http_client_header close = {STR_INIT("Connection"), STR_INIT("close")};
    struct agent_question *question = heap_new(sizeof *question);
    *question = (struct agent_question){.done = done, .context = context};
    http_client_get(pages->client, url, &close, 1, timeout_ms, answered, question);
}
