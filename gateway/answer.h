// answer: ends an exchange, once: with a body (answer_body.h), the headers of its code, a count in
// the metrics, and for each 5xx a line in the log.
#pragma once

#include "gateway/gateway.h"

#include "base/err.h"

// data is JSON text, absent or empty for none.
void answer_data(struct exchange *exchange, struct str data);
// The same for the stored answer to an earlier request with the same Idempotency-Key.
void answer_replayed(struct exchange *exchange, struct str data);
// text is what the client reads. Sets Retry-After, WWW-Authenticate, Allow and RateLimit as needed.
void answer_error(struct exchange *exchange, enum err_code code, struct str text);
static inline void answer_err(struct exchange *exchange, const struct err *err)
{
    answer_error(exchange, err->code, str_of(err->text));
}
// JSON of the gateway itself without an envelope (health); code decides the status.
void answer_json(struct exchange *exchange, enum err_code code, struct str json);
// An answer whose headers the caller made; it counts as a success, whatever its status.
struct http_answer;
void answer_page(struct exchange *exchange, struct http_answer *answer);
// Default headers of every answer: no caching, no sniffing of the type, and HSTS where browsers
// reach us by https.
void answer_safe_headers(const struct gateway *gateway, struct http_answer *answer);
// The request became a stream: it is counted, and its exchange ends.
void answer_is_stream(struct exchange *exchange);
// http_server's render_error: an error found before there was an exchange.
struct http_glance;
void answer_render_early(void *context, const struct http_glance *asked, const struct err *err,
                         struct buf *body, struct str *content_type);

struct answer_metrics *answer_metrics_new(struct metrics *metrics);
void answer_metrics_free(struct answer_metrics **metrics);
