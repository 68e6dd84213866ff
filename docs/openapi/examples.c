// examples: see the header.
#include "examples.h"

#include "base/id.h"
#include "gateway/answer_body.h"

static const struct example {
    enum route_id route;
    int status; // of BY_GATEWAY
    const char *json;
} requests[] =
    {
#define REQUEST(row, ...) {.route = ROUTE_##row, .json = #__VA_ARGS__},
#define ANSWER(...)
#define BY_GATEWAY(...)
#define FAULT(...)
#include "examples.def"
},
  answers[] =
      {
#define REQUEST(...)
#define ANSWER(row, ...) {.route = ROUTE_##row, .json = #__VA_ARGS__},
#define BY_GATEWAY(...)
#define FAULT(...)
#include "examples.def"
},
  own_answers[] = {
#define REQUEST(...)
#define ANSWER(...)
#define BY_GATEWAY(row, code, ...) {.route = ROUTE_##row, .status = code, .json = #__VA_ARGS__},
#define FAULT(...)
#include "examples.def"
};

static const char *const faults[ERR_COUNT] = {
#define REQUEST(...)
#define ANSWER(...)
#define BY_GATEWAY(...)
#define FAULT(error, text) [ERR_##error] = text,
#include "examples.def"
};

struct id example_operation(void)
{
    return (struct id){{0x6e, 0x3e, 0x5f, 0x0a, 0x8a, 0x52, 0x4c, 0x34, 0x8b, 0x64, 0x9d, 0x4b,
                        0x8b, 0xb4, 0xc1, 0xaa}};
}

void example_of_request(struct buf *out, const struct route *route)
{
    for (size_t i = 0; i < COUNT_OF(requests); i++)
        if (requests[i].route == route->id)
            json_key_raw(out, "example", str_of(requests[i].json));
}

static void answer_write(struct buf *out, enum route_envelope envelope, const char *json)
{
    AUTO(buf) text = {0};

    body_render_data(&text, envelope, str_of(json), example_operation());
    json_key_raw(out, "example", buf_str(&text));
}

void example_of_answer(struct buf *out, const struct route *route)
{
    for (size_t i = 0; i < COUNT_OF(answers); i++)
        if (answers[i].route == route->id)
            answer_write(out, route->envelope, answers[i].json);
}

void example_of_gateway(struct buf *out, const struct route *route, int status,
                        enum route_envelope envelope)
{
    for (size_t i = 0; i < COUNT_OF(own_answers); i++)
        if (own_answers[i].route == route->id && own_answers[i].status == status)
            answer_write(out, envelope, own_answers[i].json);
}

struct str example_of_fault(enum err_code code)
{
    return faults[code] ? str_of(faults[code]) : err_title(code);
}
