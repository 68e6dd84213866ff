// body_beginning: see the header.
#include "gateway/bodies/body_beginning.h"

#include "gateway/answer.h"
#include "gateway/bodies/large_body.h"
#include "gateway/gateway.h"

#include "base/clock.h"
#include "io/http_server/http_server.h"

enum { BEGINNING_MS = 10000 };

struct beginning {
    struct list link;
    struct body_beginnings *beginnings;
    struct exchange *exchange;
    struct buf bytes;
    int64_t since_ms;
};

static struct exchange *beginning_end(struct beginning *beginning)
{
    http_body_stop(beginning->exchange->http);
    list_remove(&beginning->link);
    buf_release(&beginning->bytes);
    return beginning->exchange;
}

static void beginning_heard(void *context, struct str bytes, const struct err *err)
{
    struct beginning *beginning = context;
    struct exchange *exchange = beginning->exchange;
    struct body_beginnings *beginnings = beginning->beginnings;

    if (err) {
        answer_err(beginning_end(beginning), err);
        return;
    }
    buf_str_append(&beginning->bytes, bytes);
    bool is_whole = http_body_left(exchange->http) == 0;
    if (!is_whole && beginning->bytes.len <= LARGE_BODY_OVER) {
        http_body_read(exchange->http, beginning_heard, beginning);
        return;
    }
    exchange->body_begin = arena_copy(http_arena(exchange->http), buf_str(&beginning->bytes));
    beginning_end(beginning);
    beginnings->came(beginnings->context, exchange, is_whole);
}

void body_beginning_read(struct body_beginnings *beginnings, struct exchange *exchange)
{
    struct beginning *beginning = ARENA_ALLOC(http_arena(exchange->http), struct beginning);

    *beginning = (struct beginning){
        .beginnings = beginnings, .exchange = exchange, .since_ms = clock_monotonic_ms()};
    list_append(&beginnings->all, &beginning->link);
    http_body_read(exchange->http, beginning_heard, beginning);
}

void body_beginnings_look(struct body_beginnings *beginnings, int64_t now_ms)
{
    LIST_EACH (&beginnings->all, struct beginning, link, beginning)
        if (now_ms - beginning->since_ms >= BEGINNING_MS)
            answer_error(beginning_end(beginning), ERR_REQUEST_TIMEOUT,
                         STR("the body did not come in time"));
}

void body_beginnings_end(struct body_beginnings *beginnings)
{
    LIST_EACH (&beginnings->all, struct beginning, link, beginning)
        answer_error(beginning_end(beginning), ERR_UNAVAILABLE, STR("the gateway is stopping"));
}
