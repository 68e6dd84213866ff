// openapi_serve: the description as an answer: the same bytes for everybody, or 304.
#include "answer.h"
#include "etag.h"
#include "gateway.h"
#include "openapi.h"
#include "pages.h"

#include "base/panic.h"
#include "io/gunzip.h"
#include "io/http_server.h"

#include <stdlib.h>

struct openapi {
    struct buf plain, compressed;
    char etag[ETAG_TEXT]; // of plain
};

struct openapi *openapi_new(void)
{
    struct openapi *openapi = calloc(1, sizeof *openapi);

    if (!openapi)
        panic("out of memory");
    openapi_write(&openapi->plain);
    gzip(buf_str(&openapi->plain), &openapi->compressed);
    etag_of(buf_str(&openapi->plain), openapi->etag);
    return openapi;
}

void openapi_free(struct openapi **openapi)
{
    if (!*openapi)
        return;
    buf_release(&(*openapi)->plain);
    buf_release(&(*openapi)->compressed);
    free(*openapi);
    *openapi = NULL;
}

void openapi_open(struct exchange *exchange)
{
    const struct openapi *openapi = exchange->gateway->openapi;
    bool compressed = accepts_gzip(http_header(exchange->http, "accept-encoding"));
    bool unchanged =
        etag_matches(http_header(exchange->http, "if-none-match"), str_of(openapi->etag));
    struct http_answer answer = {
        .status = unchanged ? 304 : 200,
        .content_type = STR("application/json"),
        .body = unchanged    ? STR("")
                : compressed ? buf_str(&openapi->compressed)
                             : buf_str(&openapi->plain),
        .headers = {{"etag", str_of(openapi->etag)},
                    {"vary", STR("accept-encoding")},
                    {"cache-control", STR("no-cache")},
                    {compressed && !unchanged ? "content-encoding" : NULL, STR("gzip")}},
    };
    answer_page(exchange, &answer);
}
