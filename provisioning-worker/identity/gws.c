// gws: see the header.
#include "provisioning-worker/identity/gws.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/heap.h"
#include "base/map.h"
#include "base/panic.h"
#include "crypto/crypto.h"
#include "io/http_client/http_client.h"
#include "service/service.h"
#include "telemetry/log.h"
#include "wire/json/codec_json.h"

#include <stdlib.h>

struct gws {
    struct service *service;
    struct map *questions; // struct question by id
};

// One token, and all requests that wait for its owner.
struct question {
    struct gws *gws;
    struct arena *arena;
    struct list waiting;
    struct str id, token;
    struct trace trace;                  // of the first request
    struct str places[GWS_PLACES_LIMIT]; // URLs
    int32_t rows[GWS_PLACES_LIMIT];      // of nex_gapis, which they come from
    size_t place_count, at;
    int64_t call_ms, until_ms; // the longest call; the end of all calls
    bool is_in_doubt;          // a place did not answer
};

struct redemption {
    gws_redeemed_fn *done;
    void *context;
    struct trace trace;
};

struct gws *gws_new(struct service *service)
{
    struct gws *gws = heap_new(sizeof *gws);
    *gws = (struct gws){.service = service, .questions = map_new()};
    return gws;
}

void gws_free(struct gws **gws)
{
    if (!*gws)
        return;
    ASSERT(map_count((*gws)->questions) == 0);
    map_free(&(*gws)->questions);
    free(*gws);
    *gws = NULL;
}

static struct str url_of(struct arena *arena, struct str base, const char *path)
{
    while (base.len && base.ptr[base.len - 1] == '/')
        base.len--;
    return arena_printf(arena, "%.*s%s", STR_ARG(base), path);
}

static int64_t time_left_ms(int64_t deadline_ms)
{
    int64_t left_ms = deadline_ms - clock_monotonic_ms();

    return left_ms > 0 ? left_ms : 0;
}

static int64_t call_limit_ms(int64_t deadline_ms)
{
    return time_left_ms(deadline_ms) / 2 + 1; // 0 would be no limit
}

// ---- the owner of a token

static void question_end(struct question *question, const struct gws_user *user,
                         const struct err *err)
{
    struct arena *arena = question->arena;

    map_remove(question->gws->questions, question->id);
    LIST_EACH (&question->waiting, struct gws_wait, link, wait) {
        list_remove(&wait->link);
        wait->done(wait->context, user, err);
    }
    arena_free(&arena);
}

static http_client_done_fn userinfo_came;

static void ask_next(struct question *question)
{
    int64_t left_ms = time_left_ms(question->until_ms);
    // No new request is started while the program ends.
    bool is_late = left_ms == 0 || !service_pg(question->gws->service);
    struct err err;

    if (question->at < question->place_count && !is_late) {
        const struct http_client_header headers[] = {
            {STR("authorization"),
             arena_printf(question->arena, "Bearer %.*s", STR_ARG(question->token))},
            {STR("accept"), STR("application/json")}};
        http_client_get(
            service_http_client(question->gws->service),
            url_of(question->arena, question->places[question->at++], "/auth/v3/userinfo"), headers,
            COUNT_OF(headers), left_ms < question->call_ms ? left_ms : question->call_ms,
            userinfo_came, question);
        return;
    }
    if (question->is_in_doubt || question->at < question->place_count)
        err_set(&err, ERR_UNAVAILABLE, "GWS does not say whose token this is");
    else
        err_set(&err, ERR_UNKNOWN_KEY, "the token is not known to GWS");
    question_end(question, NULL, &err);
}

static void log_doubt(const struct trace *trace, const struct http_client_answer *answer,
                      const char *why)
{
    LOG_WARN("gws.failed", LOG_TRACE(trace), LOG_STR("why", str_of(why)),
             LOG_INT("status", answer->status), LOG_INT("micros", answer->duration_us));
}

static void userinfo_came(void *context, const struct http_client_answer *answer)
{
    struct question *question = context;
    struct gws_user user;
    struct err err;

    if (answer->outcome != HTTP_CLIENT_ANSWERED) {
        log_doubt(&question->trace, answer, answer->reason);
        question->is_in_doubt = true;
    } else if (answer->status == 200) {
        if (gws_user_read(answer->body, question->arena, &user, &err)) {
            user.gws = question->rows[question->at - 1];
            question_end(question, &user, NULL);
            return;
        }
        log_doubt(&question->trace, answer, err.text);
        question->is_in_doubt = true;
    } else if (answer->status != 401 && answer->status != 403) {
        log_doubt(&question->trace, answer,
                  "GWS answered with a status that says nothing about the token");
        question->is_in_doubt = true;
    }
    ask_next(question);
}

// False if the table's rows are malformed: a fault of the statement, not of a caller.
static bool places_read(struct question *question, struct str json, struct err *err)
{
    const struct json_view *list, *place;
    int64_t row = 0;

    if (!str_present(json) || json.len == 0)
        return true;
    if (!json_parse(json, question->arena, &list, err))
        return false;
    for (size_t i = 0; i < GWS_PLACES_LIMIT && (place = json_element(list, i)); i++) {
        if (!json_number(json_member(place, "id"), &row) || row < 1 || row > INT32_MAX)
            return err_set(err, ERR_INTERNAL, "a place of GWS has no id");
        question->rows[question->place_count] = (int32_t)row;
        question->places[question->place_count++] = json_text(json_member(place, "url"));
    }
    return true;
}

static struct question *question_new(struct gws *gws, struct str id, struct str token,
                                     const struct gws_wait *first)
{
    struct arena *arena = arena_new();
    struct question *question = ARENA_ALLOC(arena, struct question);

    *question = (struct question){.gws = gws,
                                  .arena = arena,
                                  .id = arena_copy(arena, id),
                                  .token = arena_copy(arena, token),
                                  .trace = first->trace,
                                  .call_ms = call_limit_ms(first->deadline_ms),
                                  .until_ms = clock_monotonic_ms() +
                                              time_left_ms(first->deadline_ms) * 9 / 10};
    list_init(&question->waiting);
    map_put(gws->questions, question->id, question);
    return question;
}

void gws_who(struct gws *gws, struct str token, struct str places, struct gws_wait *wait)
{
    unsigned char digests[2 * SHA256_BYTES];
    struct err err;

    // The token is only in memory, and only during the request.
    crypto_sha256(token, digests);
    crypto_sha256(places, digests + SHA256_BYTES);
    struct str id = str_make(digests, sizeof digests);
    struct question *question = map_get(gws->questions, id);
    if (question) {
        list_append(&question->waiting, &wait->link);
        return;
    }
    if (!gws_token_is_plausible(token)) {
        err_set(&err, ERR_UNKNOWN_KEY, "this is not a token");
        wait->done(wait->context, NULL, &err);
        return;
    }
    if (map_count(gws->questions) >= GWS_QUESTIONS_LIMIT) {
        err_set(&err, ERR_BUSY, "too many tokens are being asked about");
        wait->done(wait->context, NULL, &err);
        return;
    }
    question = question_new(gws, id, token, wait);
    list_append(&question->waiting, &wait->link);
    if (places_read(question, places, &err))
        ask_next(question);
    else
        question_end(question, NULL, &err);
}

// ---- a code for a token

static void form_add(struct buf *form, const char *name, struct str value)
{
    buf_printf(form, "%s%s=", form->len ? "&" : "", name);
    for (size_t i = 0; i < value.len; i++) {
        unsigned char byte = (unsigned char)value.ptr[i];
        if ((byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
            (byte >= 'a' && byte <= 'z') || memchr("-._~", byte, 4))
            buf_byte(form, byte);
        else
            buf_printf(form, "%%%02X", byte);
    }
}

static void token_came(void *context, const struct http_client_answer *answer)
{
    struct redemption redemption = *(struct redemption *)context;
    struct arena *arena = arena_new();
    struct gws_grant grant;
    struct err err;
    bool answered = answer->outcome == HTTP_CLIENT_ANSWERED, granted = false;

    free(context);
    if (answered && answer->status == 200) {
        granted = gws_grant_read(answer->body, arena, &grant, &err);
        if (!granted)
            log_doubt(&redemption.trace, answer, err.text);
    } else if (answered && answer->status == 400) {
        err_set(&err, ERR_UNAUTHENTICATED, "GWS does not accept the code: log in again");
    } else {
        // 401 and 403 too: then our own secret is wrong.
        log_doubt(&redemption.trace, answer, answered ? "no token for the code" : answer->reason);
        err_set(&err, ERR_UNAVAILABLE, "GWS returned no token");
    }
    redemption.done(redemption.context, granted ? &grant : NULL, granted ? NULL : &err);
    arena_free(&arena);
}

void gws_redeem(struct gws *gws, const struct gws_redemption *asked, gws_redeemed_fn *done,
                void *context)
{
    AUTO(buf) form = {0}, pair = {0}, basic = {0};
    struct redemption *redemption = heap_new(sizeof *redemption);
    struct arena *arena = arena_new();

    *redemption = (struct redemption){.done = done, .context = context, .trace = asked->trace};
    form_add(&form, "grant_type", STR("authorization_code"));
    form_add(&form, "code", asked->code);
    form_add(&form, "redirect_uri", asked->redirect_uri);
    form_add(&form, "client_id", asked->client);
    if (str_present(asked->verifier))
        form_add(&form, "code_verifier", asked->verifier);
    buf_printf(&pair, "%.*s:%.*s", STR_ARG(asked->client), STR_ARG(asked->secret));
    buf_str_append(&basic, STR("Basic "));
    buf_base64(&basic, buf_str(&pair));
    const struct http_client_header headers[] = {
        {STR("authorization"), buf_str(&basic)},
        {STR("content-type"), STR("application/x-www-form-urlencoded")},
        {STR("accept"), STR("application/json")}};
    http_client_post(service_http_client(gws->service),
                     url_of(arena, asked->url, "/auth/v3/oauth/token"), headers, COUNT_OF(headers),
                     buf_str(&form), call_limit_ms(asked->deadline_ms), token_came, redemption);
    arena_free(&arena);
}

// ---- a log-in ends

struct signing_out {
    void (*done)(void *context);
    void *context;
    struct trace trace;
};

static void signed_out(void *context, const struct http_client_answer *answer)
{
    struct signing_out leaving = *(struct signing_out *)context;

    free(context);
    if (answer->outcome != HTTP_CLIENT_ANSWERED)
        log_doubt(&leaving.trace, answer, answer->reason);
    else if (answer->status >= 400 && answer->status != 401) // 401: it was over already
        log_doubt(&leaving.trace, answer, "GWS did not end the log-in");
    leaving.done(leaving.context);
}

void gws_sign_out(struct gws *gws, struct str url, struct str token, const struct trace *trace,
                  int64_t deadline_ms, void (*done)(void *context), void *context)
{
    struct signing_out *leaving = heap_raw(sizeof *leaving);
    AUTO(buf) bearer = {0};
    struct arena *arena = arena_new();

    *leaving = (struct signing_out){.done = done, .context = context, .trace = *trace};
    buf_printf(&bearer, "Bearer %.*s", STR_ARG(token));
    const struct http_client_header headers[] = {{STR("authorization"), buf_str(&bearer)},
                                                 {STR("accept"), STR("application/json")}};
    http_client_post(service_http_client(gws->service), url_of(arena, url, "/auth/v3/sign-out"),
                     headers, COUNT_OF(headers), STR(""), call_limit_ms(deadline_ms), signed_out,
                     leaving);
    explicit_bzero(bearer.data, bearer.len);
    arena_free(&arena);
}
