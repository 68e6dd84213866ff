// large_body: large_body_take() → a place → read, scan, store pieces, read … → finished → still
// allowed, or failed. When no call is in flight, place_go_on() decides the next step.
#include "gateway/bodies/large_body.h"

#include "gateway/access.h"
#include "gateway/answer.h"
#include "gateway/attachments/upload.h"
#include "gateway/bodies/body_beginning.h"
#include "gateway/bodies/body_format.h"
#include "gateway/bodies/proof.h"
#include "gateway/limits/shares.h"

#include "base/clock.h"
#include "base/heap.h"
#include "base/list.h"
#include "crypto/crypto.h"
#include "io/http_server/http_server.h"
#include "io/zlib/gunzip.h"
#include "process/failpoint.h"
#include "service/service.h"
#include "wire/body/body_scan.h"

#include <stdlib.h>

enum {
    PLACES = 6, // with 75 percent 4, 1 and 1 of three contact centers
    WAITING_LIMIT = 64,
    WAIT_MS = 15000,
    SILENCE_MS = 10000, // without a byte
    BODY_MS = 120000,   // from the first byte to the last
    CROWDED_MS = 5000,  // after which a body must come fast enough while others wait
    CROWDED_BYTES_PER_S = 32 * 1024,
    PIECE_BYTES = 48 * 1024,
    TICK_MS = 1000,
};

struct body_piece { // of a stream, not yet sent
    struct id upload;
    unsigned stream, number;
    struct buf bytes;
};

struct body_place {
    struct large_bodies *all;
    struct exchange *exchange; // NULL: free
    struct body_scan scan;
    struct gunzip *gunzip;     // NULL: it is not compressed
    int64_t scanned;           // bytes, no longer compressed
    struct crypto_hash *hash;  // of the body; NULL: not needed
    struct body_piece content; // of the contents
    struct body_piece raw;     // the body as it comes, for the check of its signature (proof.h)
    unsigned out;              // pieces in flight, and the check of the caller
    bool has_ended;            // the body has come
    struct err err;            // the error that ends it once no call is in flight
    int64_t started_ms, heard_ms;
    uint64_t heard; // bytes
};

struct waiting {
    struct list link;
    struct exchange *exchange;
    struct share *share;
    int64_t since_ms;
};

struct large_bodies {
    struct gateway *gateway;
    struct body_place places[PLACES];
    struct body_beginnings beginnings;
    struct list waiting; // oldest first
    size_t waiting_count;
    uv_timer_t tick; // runs while there is any
};

static void place_begin(struct body_place *place, struct exchange *exchange);
static void place_heard(void *context, struct str bytes, const struct err *err);
static void place_go_on(struct body_place *place);
static void beginning_came(void *context, struct exchange *exchange, bool is_whole);
static void on_tick(uv_timer_t *timer);

struct large_bodies *large_bodies_new(struct gateway *gateway)
{
    struct large_bodies *all = heap_new(sizeof *all);
    all->gateway = gateway;
    all->beginnings = (struct body_beginnings){.came = beginning_came, .context = all};
    list_init(&all->beginnings.all);
    list_init(&all->waiting);
    for (size_t i = 0; i < PLACES; i++)
        all->places[i].all = all;
    uv_timer_init(service_loop(gateway->service), &all->tick);
    return all;
}

// ---- a place, or a wait for one

static unsigned percent_of(const struct large_bodies *all)
{
    return (unsigned)all->gateway->config->tenant_share;
}

static struct body_place *place_find(struct large_bodies *all, uint32_t tenant)
{
    struct body_place *found = NULL;
    unsigned own = 0, others = 0;

    for (size_t i = 0; i < PLACES; i++) {
        struct body_place *place = &all->places[i];
        if (!place->exchange)
            found = place;
        else if (place->exchange->principal.tenant == tenant)
            own++;
        else
            others++;
    }
    return own < share_of(PLACES, others, percent_of(all)) ? found : NULL;
}

bool large_body_is(const struct exchange *exchange)
{
    return http_body_left(exchange->http) > 0 ||
           (http_body(exchange->http).len > 0 && body_encoding(exchange) != ENCODING_NONE);
}

static void wait_for_place(struct large_bodies *all, struct exchange *exchange)
{
    struct share *share = NULL;
    struct err err;

    if (all->waiting_count == WAITING_LIMIT)
        err_set(&err, ERR_BUSY, "too many large bodies at once");
    else
        share = shares_take_part(all->gateway->shares, SHARE_TENANT_LARGE_BODIES,
                                 &exchange->principal, WAITING_LIMIT, percent_of(all), &err);
    if (!share) {
        answer_err(exchange, &err);
        return;
    }
    struct waiting *waiting = ARENA_ALLOC(http_arena(exchange->http), struct waiting);
    *waiting =
        (struct waiting){.exchange = exchange, .share = share, .since_ms = clock_monotonic_ms()};
    list_append(&all->waiting, &waiting->link);
    all->waiting_count++;
}

static void body_place(struct large_bodies *all, struct exchange *exchange)
{
    struct body_place *place = place_find(all, exchange->principal.tenant);

    if (place)
        place_begin(place, exchange);
    else
        wait_for_place(all, exchange);
}

static void body_came(struct exchange *exchange)
{
    exchange->body_came(exchange);
}

static void whole_may_go(void *context, const struct err *err)
{
    if (err)
        answer_err(context, err);
    else
        body_came(context);
}

static void beginning_came(void *context, struct exchange *exchange, bool is_whole)
{
    if (!is_whole || body_encoding(exchange) != ENCODING_NONE) {
        body_place(context, exchange);
        return;
    }
    exchange->body = exchange->body_begin;
    exchange->ready_us = clock_monotonic_us();
    access_ask_again(exchange, whole_may_go, exchange);
}

void large_body_take(struct exchange *exchange, void (*came)(struct exchange *exchange))
{
    struct large_bodies *all = exchange->gateway->large_bodies;
    int64_t limit = body_limit(exchange), length = http_body_left(exchange->http);
    struct err err;

    exchange->body_came = came;
    if (!uv_is_active((uv_handle_t *)&all->tick))
        uv_timer_start(&all->tick, on_tick, TICK_MS, TICK_MS);
    if (body_encoding(exchange) == ENCODING_UNKNOWN) {
        answer_error(exchange, ERR_UNSUPPORTED_MEDIA,
                     STR("Content-Encoding: only gzip or deflate"));
    } else if (length == HTTP_BODY_UNKNOWN || (length > 0 && length <= LARGE_BODY_OVER)) {
        body_beginning_read(&all->beginnings, exchange); // a chunked one
    } else if (length > limit) {
        body_too_large(limit, &err);
        answer_err(exchange, &err);
    } else {
        body_place(all, exchange);
    }
}

static struct exchange *waiting_end(struct large_bodies *all, struct waiting *waiting)
{
    list_remove(&waiting->link);
    all->waiting_count--;
    shares_give_back(all->gateway->shares, &waiting->share);
    return waiting->exchange;
}

static struct waiting *waiting_that_fits(struct large_bodies *all, struct body_place **place)
{
    LIST_EACH (&all->waiting, struct waiting, link, waiting) {
        *place = place_find(all, waiting->exchange->principal.tenant);
        if (*place)
            return waiting;
    }
    return NULL;
}

static void places_give(struct large_bodies *all)
{
    struct waiting *waiting;
    struct body_place *place;

    // place_begin() may finish a body that came with its head, and frees its place then. Without a
    // bus the gateway is ending, and large_bodies_free() answers those that wait.
    while (all->gateway->bus && (waiting = waiting_that_fits(all, &place)))
        place_begin(place, waiting_end(all, waiting));
}

// ---- a body comes

static void piece_stored(void *context, enum err_code code, struct str text)
{
    struct body_place *place = context;

    place->out--;
    if (code != ERR_OK && code != ERR_REPLAYED && place->err.code == ERR_OK)
        err_set(&place->err, code, "%.*s", STR_ARG(text));
    place_go_on(place);
}

static void piece_send(struct body_place *place, struct body_piece *piece)
{
    struct msg_upload_piece message = {.upload = piece->upload,
                                       .stream = piece->stream,
                                       .number = piece->number++,
                                       .bytes = buf_str(&piece->bytes)};

    if (piece->bytes.len == 0)
        return;
    place->out++;
    upload_call(place->exchange, piece->upload, MSG_UPLOAD_PIECE, &message, piece_stored, place);
    buf_clear(&piece->bytes);
    // A crash here leaves an upload without a message; upkeep drops it, and the client repeats the
    // request.
    (void)failpoint("gateway.piece_sent");
}

static void piece_take(struct body_place *place, struct body_piece *piece, unsigned stream,
                       struct str bytes)
{
    if (stream != piece->stream || piece->bytes.len + bytes.len > PIECE_BYTES)
        piece_send(place, piece);
    if (stream != piece->stream)
        piece->number = 0;
    piece->stream = stream;
    buf_str_append(&piece->bytes, bytes);
}

static void content_take(void *context, unsigned stream, struct str bytes)
{
    struct body_place *place = context;

    piece_take(place, &place->content, stream, bytes);
}

static void place_read(struct body_place *place)
{
    http_body_read(place->exchange->http, place_heard, place);
}

static void place_begin(struct body_place *place, struct exchange *exchange)
{
    struct large_bodies *all = place->all;
    int64_t now_ms = clock_monotonic_ms();

    *place = (struct body_place){.all = all,
                                 .exchange = exchange,
                                 .content.upload = id_new(),
                                 .raw.upload = id_new(),
                                 .started_ms = now_ms,
                                 .heard_ms = now_ms};
    body_scan_init(&place->scan, body_format(exchange), place->content.upload,
                   (size_t)all->gateway->config->http_body_limit, content_take, place);
    if (str_present(http_header(exchange->http, "idempotency-key")))
        place->hash = crypto_hash_new();
    if (body_encoding(exchange) != ENCODING_NONE)
        place->gunzip = gunzip_new(body_encoding(exchange) == ENCODING_DEFLATE);
    if (str_present(exchange->body_begin))
        place_heard(place, exchange->body_begin, NULL);
    else if (http_body_left(exchange->http) > 0)
        place_read(place);
    else // it came with its head, compressed
        place_heard(place, http_body(exchange->http), NULL);
}

static bool scan(void *context, struct str bytes, struct err *err)
{
    struct body_place *place = context;
    int64_t limit = body_limit(place->exchange);

    place->scanned += (int64_t)bytes.len;
    return place->scanned <= limit ? body_scan_feed(&place->scan, bytes, err)
                                   : body_too_large(limit, err);
}

static void place_heard(void *context, struct str bytes, const struct err *err)
{
    struct body_place *place = context;

    place->heard_ms = clock_monotonic_ms();
    place->heard += bytes.len;
    if (proof_is_shown(&place->exchange->proof))
        piece_take(place, &place->raw, 1, bytes);
    if (err)
        place->err = *err;
    else if ((place->gunzip ? gunzip_feed(place->gunzip, bytes, scan, place, &place->err)
                            : scan(place, bytes, &place->err)) &&
             place->hash)
        crypto_hash_add(place->hash, bytes);
    place_go_on(place);
}

// ---- it has come, or not

static struct exchange *place_leave(struct body_place *place)
{
    struct exchange *exchange = place->exchange;

    body_scan_release(&place->scan);
    buf_release(&place->content.bytes);
    buf_release(&place->raw.bytes);
    crypto_hash_end(&place->hash, NULL);
    gunzip_free(&place->gunzip);
    place->exchange = NULL;
    return exchange;
}

static void place_fail(struct body_place *place)
{
    const struct body_piece *pieces[] = {&place->content, &place->raw};
    struct large_bodies *all = place->all;

    for (size_t i = 0; i < COUNT_OF(pieces); i++)
        if (pieces[i]->stream > 0) // some may be stored
            upload_drop(place->exchange, pieces[i]->upload);
    answer_err(place_leave(place), &place->err);
    places_give(all);
}

// Checked while it has the place, so that there are never more bodies than places.
static void place_may_go(void *context, const struct err *err)
{
    struct body_place *place = context;
    struct large_bodies *all = place->all;

    place->out--;
    if (err) {
        place->err = *err;
        place_fail(place);
        return;
    }
    body_came(place->exchange); // may be answered and freed in this call
    place_leave(place);
    places_give(all);
}

static void place_finish(struct body_place *place)
{
    struct exchange *exchange = place->exchange;
    unsigned char digest[SHA256_BYTES];

    if (place->hash) {
        crypto_hash_end(&place->hash, digest);
        exchange->body_digest =
            arena_copy(http_arena(exchange->http), str_make(digest, sizeof digest));
    }
    exchange->body = buf_str(&place->scan.rest);
    if (place->content.stream > 0)
        exchange->upload = place->content.upload;
    proof_stored(exchange, place->raw.upload, (uint32_t)place->heard);
    exchange->ready_us = clock_monotonic_us();
    place->out++;
    access_ask_again(exchange, place_may_go, place);
}

static void place_go_on(struct body_place *place)
{
    if (place->out > 0)
        return;
    if (place->err.code != ERR_OK) {
        place_fail(place);
    } else if (http_body_left(place->exchange->http) > 0) {
        place_read(place);
    } else if (place->has_ended) {
        place_finish(place);
    } else {
        place->has_ended = true;
        if ((!place->gunzip || gunzip_end(place->gunzip, &place->err)) &&
            body_scan_end(&place->scan, &place->err))
            piece_send(place, &place->content);
        piece_send(place, &place->raw);
        place_go_on(place);
    }
}

// ---- time

// A slow body must not hold up those that wait for its place.
static bool is_in_the_way(const struct body_place *place, int64_t now_ms)
{
    uint64_t took_ms = (uint64_t)(now_ms - place->started_ms);

    return place->all->waiting_count > 0 && took_ms > CROWDED_MS &&
           place->heard * 1000 / took_ms < CROWDED_BYTES_PER_S;
}

static void place_look(struct body_place *place, int64_t now_ms)
{
    if (!place->exchange || place->out > 0 || place->err.code != ERR_OK)
        return; // calls in flight have their own deadline
    if (now_ms - place->heard_ms < SILENCE_MS && now_ms - place->started_ms < BODY_MS &&
        !is_in_the_way(place, now_ms))
        return;
    err_set(&place->err, ERR_REQUEST_TIMEOUT, "the body did not come in time");
    http_body_stop(place->exchange->http);
    place_fail(place);
}

static void on_tick(uv_timer_t *timer)
{
    struct large_bodies *all = CONTAINER_OF(timer, struct large_bodies, tick);
    int64_t now_ms = clock_monotonic_ms();
    bool is_busy = false;

    for (size_t i = 0; i < PLACES; i++)
        place_look(&all->places[i], now_ms);
    LIST_EACH (&all->waiting, struct waiting, link, waiting)
        if (now_ms - waiting->since_ms >= WAIT_MS)
            answer_error(waiting_end(all, waiting), ERR_BUSY, STR("too many large bodies at once"));
    body_beginnings_look(&all->beginnings, now_ms);
    for (size_t i = 0; i < PLACES; i++)
        is_busy = is_busy || all->places[i].exchange;
    if (!is_busy && all->waiting_count == 0 && list_is_empty(&all->beginnings.all))
        uv_timer_stop(&all->tick);
}

static void on_tick_closed(uv_handle_t *handle)
{
    free(CONTAINER_OF(handle, struct large_bodies, tick));
}

void large_bodies_free(struct large_bodies **all)
{
    struct large_bodies *ending = *all;

    *all = NULL;
    if (!ending)
        return;
    body_beginnings_end(&ending->beginnings);
    LIST_EACH (&ending->waiting, struct waiting, link, waiting)
        answer_error(waiting_end(ending, waiting), ERR_UNAVAILABLE, STR("the gateway is stopping"));
    for (size_t i = 0; i < PLACES; i++) {
        struct body_place *place = &ending->places[i];
        if (!place->exchange)
            continue;
        http_body_stop(place->exchange->http);
        answer_error(place_leave(place), ERR_UNAVAILABLE, STR("the gateway is stopping"));
    }
    uv_close((uv_handle_t *)&ending->tick, on_tick_closed);
}
