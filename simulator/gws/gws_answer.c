// gws_answer: see the header.
#include "simulator/gws/gws_answer.h"

#include "base/heap.h"
#include "base/panic.h"
#include "text/query.h"

#include <stdlib.h>

enum { HUGE_BYTES = 4 * 1024 * 1024 };

// A delayed answer. Its strings are in the request's arena.
struct delayed_answer {
    uv_timer_t timer;
    struct list link;
    struct http_request *request;
    struct http_answer answer;
};

struct channel *gws_channel(struct simulator *simulator, const struct gws_login *user)
{
    return channels_get(simulator->channels, str_of(user->center ? user->center->id : user->name));
}

// --- wrong answers

static struct str huge_text(struct arena *arena)
{
    AUTO(buf) text = {0};

    buf_str_append(&text, STR("{\"username\":\""));
    memset(buf_reserve(&text, HUGE_BYTES), 'x', HUGE_BYTES);
    text.len += HUGE_BYTES;
    buf_str_append(&text, STR("\"}"));
    return arena_copy(arena, buf_str(&text));
}

// All members are present, and all have wrong types.
static const struct str wrong_types = STR_INIT(
    "{\"access_token\":{},\"token_type\":7,\"refresh_token\":[],\"expires_in\":\"soon\",\"scope\":"
    "1,"
    "\"username\":[],\"loginName\":0,\"contactCenterId\":{\"id\":1},\"environmentId\":false,"
    "\"dbid\":\"x\",\"authorities\":\"ROLE_OPS\",\"properties\":[],\"data\":\"none\"}");

static void make_wrong(enum gws_wrongness how, struct arena *arena, struct http_answer *answer)
{
    answer->status = 200;
    answer->content_type = STR("application/json");
    switch (how) {
    case GWS_RIGHT: break;
    case GWS_TEXT:
        answer->content_type = STR("text/html");
        answer->body = STR("<html><body>It works!</body></html>");
        break;
    case GWS_CUT: answer->body.len /= 2; break;
    case GWS_EMPTY: answer->body = STR("{}"); break;
    case GWS_LIST: answer->body = STR("[]"); break;
    case GWS_TYPES: answer->body = wrong_types; break;
    case GWS_HUGE: answer->body = huge_text(arena); break;
    }
}

// --- now or later

static void on_delayed_closed(uv_handle_t *handle)
{
    free(CONTAINER_OF(handle, struct delayed_answer, timer));
}

static void delayed_end(struct delayed_answer *delayed)
{
    list_remove(&delayed->link);
    http_answer(delayed->request, &delayed->answer);
    uv_close((uv_handle_t *)&delayed->timer, on_delayed_closed);
}

static void on_delay_over(uv_timer_t *timer)
{
    delayed_end(CONTAINER_OF(timer, struct delayed_answer, timer));
}

// At most one for each connection can wait, and the server limits connections.
static void answer_later(struct simulator *simulator, struct http_request *request,
                         const struct http_answer *answer, int64_t delay_ms)
{
    struct delayed_answer *delayed = heap_new(sizeof *delayed);
    delayed->request = request;
    delayed->answer = *answer;
    delayed->answer.body = arena_copy(http_arena(request), answer->body);
    for (size_t i = 0; i < COUNT_OF(answer->headers) && answer->headers[i].name; i++)
        delayed->answer.headers[i].value =
            arena_copy(http_arena(request), answer->headers[i].value);
    list_append(&simulator->gws_delayed, &delayed->link);
    ASSERT(uv_timer_init(simulator->loop, &delayed->timer) == 0);
    uv_timer_start(&delayed->timer, on_delay_over, (uint64_t)delay_ms, 0);
}

void gws_answers_drain(struct simulator *simulator)
{
    LIST_EACH (&simulator->gws_delayed, struct delayed_answer, link, delayed)
        delayed_end(delayed);
}

// --- right answers

static struct str refusal(struct http_request *request, int status, const char *message)
{
    AUTO(buf) json = {0};
    AUTO(buf) reason = {0};

    json_open(&reason, '{');
    json_key_int(&reason, "code", status);
    json_key_str(&reason, "message", str_of(message));
    json_key_str(&reason, "detail", STR(""));
    json_close(&reason, '}');
    json_open(&json, '{');
    json_key_raw(&json, "status", buf_str(&reason));
    json_key_raw(&json, "data", STR("{}"));
    json_key(&json, "errors");
    json_open(&json, '[');
    json_open(&json, '{');
    json_key_raw(&json, "status", buf_str(&reason));
    json_close(&json, '}');
    json_close(&json, ']');
    json_key_str(&json, "path", http_path(request));
    json_close(&json, '}');
    return arena_copy(http_arena(request), buf_str(&json));
}

void gws_answer(struct simulator *simulator, struct http_request *request,
                const struct channel *channel, const struct http_answer *right)
{
    const struct knobs *knobs = channel ? channel_knobs(simulator->channels, channel)
                                        : channels_default_knobs(simulator->channels);
    struct http_answer answer = *right;

    if (knobs->gws_answers != GWS_RIGHT)
        make_wrong(knobs->gws_answers, http_arena(request), &answer);
    if (knobs->gws_status > 0) {
        answer.status = (int)knobs->gws_status;
        answer.body = refusal(request, answer.status, "as the knob says");
        answer.content_type = STR("application/json");
    }
    if (knobs->gws_latency_ms > 0)
        answer_later(simulator, request, &answer, knobs->gws_latency_ms);
    else
        http_answer(request, &answer);
}

void gws_answer_json(struct simulator *simulator, struct http_request *request,
                     const struct channel *channel, struct str json)
{
    gws_answer(simulator, request, channel,
               &(struct http_answer){.status = 200,
                                     .content_type = STR("application/json"),
                                     .body = json,
                                     .headers = {{"cache-control", STR("no-store")}}});
}

void gws_refuse(struct simulator *simulator, struct http_request *request,
                const struct channel *channel, int status, const char *message)
{
    struct http_answer answer = {.status = status,
                                 .content_type = STR("application/json"),
                                 .body = refusal(request, status, message)};

    if (status == 401)
        http_answer_add(&answer, "www-authenticate", STR("Basic realm=\"gws\""));
    gws_answer(simulator, request, channel, &answer);
}

// --- requests

struct str gws_parameter(struct http_request *request, struct str name)
{
    struct str type = http_header(request, "content-type"), found = STR_ABSENT;

    if (str_present(type) && str_starts(type, STR("application/x-www-form-urlencoded")))
        found = query_find(http_body(request), name, http_arena(request));
    return str_present(found) ? found : query_find(http_query(request), name, http_arena(request));
}

void gws_basic(struct http_request *request, struct str *name, struct str *password)
{
    AUTO(buf) pair = {0};
    struct str authorization = http_header(request, "authorization"), scheme, encoded;

    *name = *password = STR_ABSENT;
    if (!str_present(authorization) || !str_cut(authorization, ' ', &scheme, &encoded) ||
        !str_equal_ignoring_case(scheme, STR("Basic")) || !buf_unbase64(&pair, str_trim(encoded)))
        return;
    struct str text = arena_copy(http_arena(request), buf_str(&pair));
    str_cut(text, ':', name, password);
}

struct str gws_bearer(struct http_request *request)
{
    struct str authorization = http_header(request, "authorization"), scheme, token;

    if (!str_present(authorization) || !str_cut(authorization, ' ', &scheme, &token))
        return authorization;
    return str_equal_ignoring_case(scheme, STR("Bearer")) ? str_trim(token) : STR_ABSENT;
}
