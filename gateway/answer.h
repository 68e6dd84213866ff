// answer: how an exchange ends: once, with a body (answer_body.h), the headers that go with its
// code, a count, and for each 5xx a line in the log.
#pragma once

#include "gateway.h"

#include "base/err.h"

// data is JSON text, absent or empty for none.
void answer_data(struct exchange *exchange, struct str data);
// The same for what was done before, under the same Idempotency-Key.
void answer_replayed(struct exchange *exchange, struct str data);
// text is what the client reads. Retry-After, WWW-Authenticate, Allow and RateLimit as fits.
void answer_error(struct exchange *exchange, enum err_code code, struct str text);
static inline void answer_err(struct exchange *exchange, const struct err *err)
{
    answer_error(exchange, err->code, str_of(err->text));
}
// Bare JSON of the gateway's own (health); code says which status.
void answer_json(struct exchange *exchange, enum err_code code, struct str json);
// A page's own answer, headers and all; success, whatever its status.
struct http_answer;
void answer_page(struct exchange *exchange, struct http_answer *answer);
// What every answer says where it does not say otherwise: nobody keeps it, nobody guesses its type, and
// where browsers reach us by https they do so for good.
void answer_safe_headers(const struct gateway *gateway, struct http_answer *answer);
// The request became a stream: counted, and over as an exchange.
void answer_is_stream(struct exchange *exchange);
// http_server's render_error: an error found before there was an exchange.
struct http_glance;
void answer_render_early(void *context, const struct http_glance *asked, const struct err *err,
                         struct buf *body, struct str *content_type);

struct answer_metrics *answer_metrics_new(struct metrics *metrics);
void answer_metrics_free(struct answer_metrics **metrics);
