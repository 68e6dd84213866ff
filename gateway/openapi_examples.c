// openapi_examples: see the header.
#include "openapi_examples.h"

#include "answer_body.h"

#include "base/id.h"

static const struct example {
    enum route_id route;
    const char *json;
} requests[] =
    {
#define REQUEST(row, ...) {.route = ROUTE_##row, .json = #__VA_ARGS__},
#define ANSWER(...)
#include "openapi_examples.def"
},
  answers[] = {
#define REQUEST(...)
#define ANSWER(row, ...) {.route = ROUTE_##row, .json = #__VA_ARGS__},
#include "openapi_examples.def"
};

void example_of_request(struct buf *out, const struct route *route)
{
    for (size_t i = 0; i < COUNT_OF(requests); i++)
        if (requests[i].route == route->id)
            json_key_raw(out, "example", str_of(requests[i].json));
}

void example_of_answer(struct buf *out, const struct route *route)
{
    AUTO(buf) text = {0};
    struct id operation;

    if (!id_parse(STR("6e3e5f0a-8a52-4c34-8b64-9d4b8bb4c1aa"), &operation))
        return;
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        if (answers[i].route != route->id)
            continue;
        body_render_data(&text, route->envelope, str_of(answers[i].json), operation);
        json_key_raw(out, "example", buf_str(&text));
    }
}
