// openapi: see the header.
#include "gateway/pages/openapi.h"

#include "gateway/answer.h"
#include "gateway/etag.h"
#include "gateway/gateway.h"
#include "gateway/pages/pages.h"

#include "io/http_server/http_server.h"

void openapi_open(struct exchange *exchange)
{
    const struct openapi_document *document = &openapi_document;
    bool compressed = accepts_gzip(http_header(exchange->http, "accept-encoding"));
    bool unchanged = etag_matches(http_header(exchange->http, "if-none-match"), document->etag);
    struct http_answer answer = {
        .status = unchanged ? 304 : 200,
        .content_type = STR("application/json"),
        .body = unchanged    ? STR("")
                : compressed ? document->compressed
                             : document->plain,
        .headers = {{"etag", document->etag},
                    {"vary", STR("accept-encoding")},
                    {"cache-control", STR("no-cache")},
                    {compressed && !unchanged ? "content-encoding" : NULL, STR("gzip")}},
    };
    answer_page(exchange, &answer);
}
