// pages_serve: answers with one file: found, not modified, or not found.
#include "gateway/pages/pages.h"

#include "gateway/answer.h"

#include "io/http_server/http_server.h"

// "gzip, deflate, br;q=0.5": is gzip there, and not with q=0?
bool accepts_gzip(struct str accept_encoding)
{
    struct str coding, quality;

    while (accept_encoding.len) {
        str_cut(accept_encoding, ',', &coding, &accept_encoding);
        str_cut(coding, ';', &coding, &quality);
        quality = str_trim(quality);
        if (str_equal_ignoring_case(str_trim(coding), STR("gzip")))
            return !(str_starts(quality, STR("q=0")) && !str_starts(quality, STR("q=0.")));
    }
    return false;
}

void pages_serve(struct exchange *exchange)
{
    const struct pages *pages = exchange->gateway->pages;
    const struct page *page = page_find(pages, http_path(exchange->http));

    if (!page) {
        answer_error(exchange, ERR_NOT_FOUND, STR("there is no such page"));
        return;
    }
    bool compressed = str_present(page->compressed) &&
                      accepts_gzip(http_header(exchange->http, "accept-encoding"));
    bool unchanged = etag_matches(http_header(exchange->http, "if-none-match"), str_of(page->etag));
    struct http_answer answer = {
        .status = unchanged ? 304 : 200,
        .content_type = str_of(page->type),
        .body = unchanged    ? STR("")
                : compressed ? page->compressed
                             : page->plain,
        .headers = {{"etag", str_of(page->etag)},
                    {"vary", STR("accept-encoding")},
                    {"cache-control", page->immutable ? STR("public, max-age=31536000, immutable")
                                                      : STR("no-cache")},
                    {"content-security-policy", pages_policy(pages)},
                    {"x-content-type-options", STR("nosniff")},
                    {"referrer-policy", STR("same-origin")},
                    {"cross-origin-opener-policy", STR("same-origin")},
                    {compressed ? "content-encoding" : NULL, STR("gzip")}},
    };
    answer_page(exchange, &answer);
}

void pages_add_slash(struct exchange *exchange)
{
    struct str path = http_path(exchange->http);
    struct http_answer answer = {
        .status = 302,
        .headers = {{"location", arena_printf(http_arena(exchange->http), "%.*s/", STR_ARG(path))}},
    };
    answer_page(exchange, &answer);
}
