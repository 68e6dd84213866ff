// attachment: attachment_open() or attachment_linked() → piece_ask() → piece_came() → the client
// has read it → still allowed? → piece_ask() …
#include "gateway/attachments/attachment.h"

#include "gateway/answer.h"
#include "gateway/gateway.h"
#include "gateway/limits/shares.h"

#include "base/clock.h"
#include "base/heap.h"
#include "base/panic.h"
#include "bus/gateway/bus_gateway.h"
#include "io/http_server/http_server.h"
#include "wire/json/codec_json.h"
#include "wire/msgpack/envelope.h"

#include <stdlib.h>

enum {
    DOWNLOADS_LIMIT = 32,
    PIECE_DEADLINE_MS = 5000,
    USER_MS = 1000,       // after which GWS is asked again whether it knows the user
    DOWNLOAD_MS = 300000, // a slower reader is disconnected
};

struct download {
    struct gateway *gateway;
    struct exchange *exchange;  // NULL once its head has left
    struct http_stream *stream; // NULL before, and when the client is gone
    struct share *share;
    bool is_linked, is_asking; // asking: for a piece, or whose download it is
    struct msg_attachment_read read;
    struct msg_attachment_linked linked;
    char token[129];
    uint32_t piece;
    size_t length, sent;
    int64_t started_ms, ends_ms, known_ms;
    const struct credentials *shown; // the request's, which lives as long as its stream
    struct principal_wait known;
    enum permission permission;
    struct principal principal; // of the calls; its name is static
    struct id operation;
};

static void piece_ask(struct download *download);
static void right_ask(struct download *download);
static void piece_came(void *context, enum err_code code, struct str payload);

// ---- which one

static bool id_read(const struct exchange *exchange, struct str name, struct id *id)
{
    return id_parse(route_parameter(&exchange->match, name), id);
}

static struct download *download_new(struct exchange *exchange)
{
    struct gateway *gateway = exchange->gateway;
    struct download *download;
    struct share *share;
    struct err err;

    if (gateway->downloads == DOWNLOADS_LIMIT) {
        answer_error(exchange, ERR_BUSY, STR("too many downloads at once"));
        return NULL;
    }
    // The contact center of a link is not known yet. So links share one part, and the rest is left
    // to callers with a key.
    share = shares_take_part(gateway->shares, SHARE_TENANT_DOWNLOADS, &exchange->principal,
                             DOWNLOADS_LIMIT, (unsigned)gateway->config->tenant_share, &err);
    if (!share) {
        answer_err(exchange, &err);
        return NULL;
    }
    download = heap_new(sizeof *download);
    gateway->downloads++;
    *download = (struct download){.gateway = gateway,
                                  .exchange = exchange,
                                  .share = share,
                                  .started_ms = clock_monotonic_ms(),
                                  .ends_ms = exchange->right_ends_ms,
                                  .known_ms = clock_monotonic_ms(),
                                  .shown = &exchange->credentials,
                                  .permission = exchange->match.route->permission,
                                  .principal = exchange->principal,
                                  .operation = exchange->operation};
    download->principal.name = STR("gateway");
    return download;
}

void attachment_open(struct exchange *exchange)
{
    struct msg_attachment_read read = {0};
    int64_t ordinal;

    if (!id_read(exchange, STR("id"), &read.id) ||
        !id_read(exchange, STR("message"), &read.message) ||
        !str_to_int(route_parameter(&exchange->match, STR("ordinal")), 1, 1000, &ordinal)) {
        answer_error(exchange, ERR_NOT_FOUND, STR("there is no such attachment"));
        return;
    }
    struct download *download = download_new(exchange);
    if (!download)
        return;
    download->read = read;
    download->read.ordinal = (uint32_t)ordinal;
    piece_ask(download);
}

void attachment_linked(struct exchange *exchange)
{
    struct str token = route_parameter(&exchange->match, STR("token"));
    struct download *download;

    if (token.len >= sizeof download->token) {
        answer_error(exchange, ERR_NOT_FOUND, STR("the link is invalid or has expired"));
        return;
    }
    download = download_new(exchange);
    if (!download)
        return;
    download->is_linked = true;
    memcpy(download->token, token.ptr, token.len);
    download->linked.token = str_make(download->token, token.len);
    piece_ask(download);
}

// ---- piece by piece

static void piece_ask(struct download *download)
{
    struct envelope envelope = {.message = download->is_linked ? MSG_ATTACHMENT_LINKED
                                                               : MSG_ATTACHMENT_READ,
                                .principal = download->principal,
                                .operation = download->operation,
                                .deadline_ms = PIECE_DEADLINE_MS};

    download->is_asking = true;
    download->read.piece = download->linked.piece = download->piece++;
    if (download->is_linked)
        gateway_call(download->gateway, &envelope, &download->linked, piece_came, download);
    else
        gateway_call(download->gateway, &envelope, &download->read, piece_came, download);
}

static void download_free(struct download *download, bool was_streaming)
{
    struct gateway *gateway = download->gateway;

    gateway->downloads--;
    shares_give_back(gateway->shares, &download->share);
    free(download);
    if (was_streaming)
        gateway_exchange_ended(gateway);
}

// Runs when the client is gone. If a piece is being fetched, piece_came() does the rest.
static void on_closed(void *context)
{
    struct download *download = context;

    download->stream = NULL;
    if (!download->is_asking)
        download_free(download, true);
}

static void download_end(struct download *download)
{
    http_stream_end(download->stream);
    download_free(download, true);
}

static void on_drained(void *context)
{
    struct download *download = context;

    if (download->sent >= download->length || !download->gateway->bus ||
        clock_monotonic_ms() - download->started_ms > DOWNLOAD_MS)
        download_end(download);
    else if (download->is_linked)
        piece_ask(download); // the link is checked with each piece
    else
        right_ask(download);
}

// Like the permission for a stream of events (event_stream.c), it may end during the download.
static bool has_right(const struct download *download, const struct caller *caller,
                      const struct err *err)
{
    if (!caller) // any other error means that it could not be checked
        return err->code != ERR_UNKNOWN_KEY && clock_monotonic_ms() < download->ends_ms;
    return caller->principal.tenant == download->principal.tenant &&
           caller->permissions & 1U << download->permission;
}

static void right_known(void *context, struct caller *caller, const struct err *err)
{
    struct download *download = context;

    download->is_asking = false;
    if (caller)
        download->ends_ms = caller->ends_ms;
    if (!download->stream)
        download_free(download, true); // the client has gone
    else if (download->gateway->bus && has_right(download, caller, err))
        piece_ask(download);
    else
        download_end(download); // the client sees by the length that bytes are missing
}

static void right_ask(struct download *download)
{
    int64_t now_ms = clock_monotonic_ms();
    bool is_users = download->principal.key == 0, is_due = now_ms - download->known_ms >= USER_MS;

    if (is_due)
        download->known_ms = now_ms;
    download->is_asking = true;
    download->known = (struct principal_wait){.done = right_known,
                                              .context = download,
                                              .is_let_in = true,
                                              .asks_anew = is_users && is_due};
    principals_find(download->gateway->principals, download->shown, &download->known);
}

static bool is_plain_type(struct str type)
{
    for (size_t i = 0; i < type.len; i++) {
        unsigned char c = (unsigned char)type.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '/' || c == '.' ||
              c == '+' || c == '-'))
            return false;
    }
    return type.len > 0;
}

// Types that browsers show or play, and that run nothing.
static bool is_harmless(struct str type)
{
    return is_plain_type(type) && !str_starts(type, STR("image/svg")) &&
           (str_starts(type, STR("image/")) || str_starts(type, STR("audio/")) ||
            str_starts(type, STR("video/")) || str_equal(type, STR("application/pdf")));
}

struct str attachment_served_type(struct str declared, struct str known)
{
    struct str type = known.len ? known : declared;

    return is_harmless(type) ? type : STR("application/octet-stream");
}

// The file name that the sender gave, if it is valid on all systems; else one of ours.
static struct str disposition(struct arena *arena, struct str name)
{
    AUTO(buf) safe = {0};

    for (size_t i = 0; i < name.len && i < 100; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        bool is_kept = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '-' || c == '_';
        buf_byte(&safe, is_kept && !(i == 0 && c == '.') ? c : '_');
    }
    if (safe.len == 0)
        buf_printf(&safe, "attachment");
    return arena_printf(arena, "attachment; filename=\"%.*s\"", STR_ARG(buf_str(&safe)));
}

static void download_begin(struct download *download, const struct json_view *reply)
{
    struct exchange *exchange = download->exchange;
    struct gateway *gateway = download->gateway;
    struct str known = json_text(json_member(reply, "knownType"));
    struct http_answer head = {
        .status = 200,
        .content_type = attachment_served_type(json_text(json_member(reply, "contentType")), known),
        .headers = {{"content-disposition", disposition(http_arena(exchange->http),
                                                        json_text(json_member(reply, "fileName")))},
                    {"x-content-type-options", STR("nosniff")},
                    {"content-security-policy", STR("default-src 'none'; sandbox")},
                    {"cache-control", STR("private, no-store")},
                    {"accept-ranges", STR("none")}}};
    int64_t length = 0;

    json_number(json_member(reply, "bytes"), &length);
    download->length = (size_t)length;
    if (length == 0 || str_equal(http_method(exchange->http), STR("HEAD"))) {
        head.length = download->length;
        answer_page(exchange, &head);
        download_free(download, false);
        return;
    }
    http_answer_add(&head, "traceparent", exchange->traceparent);
    answer_safe_headers(gateway, &head);
    download->exchange = NULL;
    struct http_request *http = exchange->http;
    gateway->exchanges++; // until the last byte
    answer_is_stream(exchange);
    download->stream =
        http_download_start(http, &head, download->length, on_drained, on_closed, download);
}

static bool data_write(struct download *download, const struct json_view *reply)
{
    AUTO(buf) bytes = {0};

    if (!buf_unbase64(&bytes, json_text(json_member(reply, "data"))) || bytes.len == 0)
        return false;
    download->sent += bytes.len;
    return http_stream_write(download->stream, buf_str(&bytes));
}

static void piece_came(void *context, enum err_code code, struct str payload)
{
    struct download *download = context;
    struct arena *arena;
    const struct json_view *reply;
    struct err err;

    download->is_asking = false;
    if (!download->exchange && !download->stream) {
        download_free(download, true); // the client has gone
        return;
    }
    if (code != ERR_OK && download->exchange) {
        answer_error(download->exchange, code, payload);
        download_free(download, false);
        return;
    }
    if (code != ERR_OK) {
        download_end(download); // the client sees by the length that bytes are missing
        return;
    }
    arena = arena_new();
    if (!json_parse(payload, arena, &reply, &err))
        panic("chat-worker's reply is no JSON");
    bool begins = download->exchange;
    bool is_whole = begins && (json_text(json_member(reply, "data")).len == 0 ||
                               str_equal(http_method(download->exchange->http), STR("HEAD")));
    if (begins)
        download_begin(download, reply); // nothing to send: done
    if (!is_whole && download->stream && !data_write(download, reply))
        download_end(download);
    arena_free(&arena);
}
