// phone_page: GET / and what it refers to.
#include "simulator/phone/phone_page.h"

#include "simulator/simulator.h"

static struct str type_of(struct str name)
{
    struct str rest = name, ending = name;

    while (str_cut(rest, '.', &ending, &rest))
        ending = rest;
    if (str_equal(ending, STR("js")))
        return STR("text/javascript; charset=utf-8");
    if (str_equal(ending, STR("css")))
        return STR("text/css; charset=utf-8");
    if (str_equal(ending, STR("svg")))
        return STR("image/svg+xml");
    return STR("text/html; charset=utf-8");
}

void on_page(struct simulator *simulator, struct http_request *request, struct str rest)
{
    struct err err;

    (void)simulator;
    if (rest.len == 0 || str_equal(rest, STR("phone")))
        rest = STR("index.html");
    for (size_t i = 0; i < page_file_count; i++) {
        const struct page_file *file = &page_files[i];
        if (!str_equal(rest, str_of(file->name)))
            continue;
        http_answer(request,
                    &(struct http_answer){
                        .status = 200,
                        .content_type = type_of(rest),
                        .body = str_make(file->bytes, file->size),
                        .headers = {{"content-security-policy",
                                     STR("default-src 'none'; script-src 'self'; style-src 'self'; "
                                         "img-src 'self'; connect-src 'self'; base-uri 'none'; "
                                         "form-action 'none'; frame-ancestors 'none'; "
                                         "require-trusted-types-for 'script'")},
                                    {"x-content-type-options", STR("nosniff")},
                                    {"referrer-policy", STR("no-referrer")},
                                    {"cache-control", STR("no-cache")}}});
        return;
    }
    err_set(&err, ERR_NOT_FOUND, "no such path");
    simulator_answer_error(request, &err);
}
