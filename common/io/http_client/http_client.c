// http_client: curl's multi interface on libuv. curl says which sockets and which timer it waits
// for; each of their events goes back into it, and after each the finished transfers are read.
//
// One place knows whether a request was sent: curl calls request_leaves() after the connection is
// established and before the first byte is written. A second call for the same transfer would mean
// that curl repeats the request by itself on a new connection. That is refused, because the caller
// must know of each time a request is sent.
#include "io/http_client/http_client.h"

#include "base/clock.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/panic.h"
#include "io/http_client/http_watches.h"
#include "io/tcp/address.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CONNECT_TIMEOUT_MS = 5000,
    SLOW_S = 10, // less than 1 B/s for this long
    CONNECTION_AGE_LIMIT_S = 60,
    ANSWER_BYTES_LIMIT = 64 * 1024,
    HEADERS_LIMIT = 48,
    POOLED_LIMIT = 512
};

struct transfer {
    struct list link; // in flight, or in the pool
    struct http_client *client;
    CURL *easy;
    struct buf url, header_text, body, answer;
    struct curl_slist headers[HEADERS_LIMIT];
    struct http_client_permit permit;
    http_client_done_fn *done;
    void *context;
    int64_t started_us;
    unsigned sockets_opened, sockets_refused;
    bool left; // the request was, or may have been, written
    bool withdrawn;
    const char *forbidden_by; // of the last address that was refused
};

struct http_client {
    struct http_client_options options;
    CURLM *multi;
    uv_timer_t timer;
    struct http_watches watches;
    struct list in_flight, pool;
    size_t in_flight_count, pooled_count;
};

// ---- curl's sockets and timer on the loop

static void read_finished(struct http_client *client);

static void on_socket_ready(void *context, int descriptor, int status, int events)
{
    struct http_client *client = context;
    int action = status < 0 ? CURL_CSELECT_ERR : 0;
    if (events & UV_READABLE)
        action |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        action |= CURL_CSELECT_OUT;

    int running;
    curl_multi_socket_action(client->multi, descriptor, action, &running);
    read_finished(client);
}

static void on_timer(uv_timer_t *timer)
{
    struct http_client *client = CONTAINER_OF(timer, struct http_client, timer);
    int running;
    curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    read_finished(client);
}

static int socket_wanted(CURL *easy, curl_socket_t descriptor, int what, void *context,
                         void *assigned)
{
    (void)easy;
    (void)assigned;
    struct http_client *client = context;
    int events = what == CURL_POLL_REMOVE ? 0
                                          : (what & CURL_POLL_IN ? UV_READABLE : 0) |
                                                (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    return http_watches_want(&client->watches, descriptor, events);
}

static int timer_wanted(CURLM *multi, long timeout_ms, void *context)
{
    (void)multi;
    struct http_client *client = context;
    if (timeout_ms < 0)
        return uv_timer_stop(&client->timer);
    return uv_timer_start(&client->timer, on_timer, (uint64_t)timeout_ms, 0);
}

// ---- what curl asks during a transfer

static bool may_reach(struct transfer *transfer, const struct sockaddr *address)
{
    const struct address_ranges *granted =
        transfer->permit.granted ? transfer->permit.granted(transfer->context) : NULL;
    const char *rule = address_forbidden_by(address, transfer->client->options.allow, granted);

    transfer->forbidden_by = rule ? rule : transfer->forbidden_by;
    return !rule;
}

static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)purpose;
    struct transfer *transfer = context;
    if (!may_reach(transfer, &address->addr)) {
        transfer->sockets_refused++;
        return CURL_SOCKET_BAD;
    }
    transfer->sockets_opened++;
    int descriptor = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                            address->protocol);
    if (descriptor >= 0)
        http_watches_connection_opened(&transfer->client->watches, descriptor);
    return descriptor;
}

static int close_socket(void *context, curl_socket_t descriptor)
{
    struct http_client *client = context;
    http_watches_connection_closes(&client->watches, descriptor);
    return close(descriptor);
}

static int request_leaves(void *context, char *remote_address, char *local_address, int remote_port,
                          int local_port)
{
    (void)local_address;
    (void)local_port;
    struct transfer *transfer = context;
    struct sockaddr_storage peer;
    if (transfer->left)
        return CURL_PREREQFUNC_ABORT;
    // The connection may have been opened by another request to an address that only that one may
    // reach, or whose permission was withdrawn since.
    address_make(remote_address, remote_port, &peer);
    if (!may_reach(transfer, (const struct sockaddr *)&peer)) {
        transfer->sockets_refused++;
        transfer->sockets_opened = 0; // it may use none
        return CURL_PREREQFUNC_ABORT;
    }
    if (transfer->permit.may_leave && !transfer->permit.may_leave(transfer->context)) {
        transfer->withdrawn = true;
        return CURL_PREREQFUNC_ABORT;
    }
    transfer->left = true;
    return CURL_PREREQFUNC_OK;
}

static size_t take_answer(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    size_t room = transfer->client->options.answer_limit - transfer->answer.len;
    size_t taken = size * count <= room ? size * count : room;
    buf_append(&transfer->answer, bytes, taken);
    return taken; // a smaller count ends the transfer
}

// ---- transfers

static void transfer_free(struct transfer *transfer)
{
    curl_easy_cleanup(transfer->easy);
    buf_release(&transfer->url);
    buf_release(&transfer->header_text);
    buf_release(&transfer->body);
    buf_release(&transfer->answer);
    free(transfer);
}

#define SET(easy, option, value)                                                                   \
    do {                                                                                           \
        if (curl_easy_setopt((easy), (option), (value)) != CURLE_OK)                               \
            panic("curl refuses option %s", #option);                                              \
    } while (0)

// Everything that is the same for every request; an easy handle keeps it for its whole life.
static struct transfer *transfer_new(struct http_client *client)
{
    struct transfer *transfer = heap_new(sizeof *transfer);
    CURL *easy = curl_easy_init();
    if (!easy)
        panic("out of memory: a transfer");
    transfer->client = client;
    transfer->easy = easy;
    transfer->forbidden_by = "the URL is not allowed";

    SET(easy, CURLOPT_PRIVATE, transfer);
    SET(easy, CURLOPT_NOSIGNAL, 1L);
    SET(easy, CURLOPT_QUICK_EXIT, 1L); // never wait for a resolver's thread
    SET(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    SET(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    SET(easy, CURLOPT_FOLLOWLOCATION, 0L);
    SET(easy, CURLOPT_PROXY, "");
    SET(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    SET(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    SET(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    SET(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    SET(easy, CURLOPT_LOW_SPEED_TIME, (long)SLOW_S);
    SET(easy, CURLOPT_MAXAGE_CONN, (long)CONNECTION_AGE_LIMIT_S);
    SET(easy, CURLOPT_USERAGENT, client->options.user_agent);
    SET(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    SET(easy, CURLOPT_OPENSOCKETDATA, transfer);
    SET(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
    SET(easy, CURLOPT_CLOSESOCKETDATA, client); // a connection outlives its transfer
    SET(easy, CURLOPT_PREREQFUNCTION, request_leaves);
    SET(easy, CURLOPT_PREREQDATA, transfer);
    SET(easy, CURLOPT_WRITEFUNCTION, take_answer);
    SET(easy, CURLOPT_WRITEDATA, transfer);
    return transfer;
}

static struct transfer *transfer_take(struct http_client *client)
{
    if (list_is_empty(&client->pool))
        return transfer_new(client);
    struct transfer *transfer = LIST_FIRST(&client->pool, struct transfer, link);
    list_remove(&transfer->link);
    client->pooled_count--;
    return transfer;
}

static void transfer_give_back(struct transfer *transfer)
{
    struct http_client *client = transfer->client;
    if (client->pooled_count == POOLED_LIMIT) {
        transfer_free(transfer);
        return;
    }
    buf_clear(&transfer->url);
    buf_clear(&transfer->header_text);
    buf_clear(&transfer->body);
    buf_clear(&transfer->answer);
    transfer->left = transfer->withdrawn = false;
    transfer->permit = (struct http_client_permit){0};
    transfer->forbidden_by = "the URL is not allowed";
    transfer->sockets_opened = transfer->sockets_refused = 0;
    list_prepend(&client->pool, &transfer->link); // the warmest first
    client->pooled_count++;
}

// All lines go into one buffer and the list's nodes point into it: curl only reads them.
static struct curl_slist *write_headers(struct transfer *transfer,
                                        const struct http_client_header *headers, size_t count)
{
    ASSERT(count <= HEADERS_LIMIT);
    size_t offsets[HEADERS_LIMIT];
    for (size_t i = 0; i < count; i++) {
        offsets[i] = transfer->header_text.len;
        buf_str_append(&transfer->header_text, headers[i].name);
        buf_str_append(&transfer->header_text, STR(": "));
        buf_str_append(&transfer->header_text, headers[i].value);
        buf_byte(&transfer->header_text, '\0');
    }
    for (size_t i = 0; i < count; i++)
        transfer->headers[i] = (struct curl_slist){
            .data = transfer->header_text.data + offsets[i],
            .next = i + 1 < count ? &transfer->headers[i + 1] : NULL,
        };
    return count ? transfer->headers : NULL;
}

static void transfer_start(struct transfer *transfer, struct str url,
                           const struct http_client_header *headers, size_t header_count,
                           int64_t timeout_ms)
{
    struct http_client *client = transfer->client;
    buf_str_append(&transfer->url, url);
    SET(transfer->easy, CURLOPT_URL, buf_c_string(&transfer->url));
    SET(transfer->easy, CURLOPT_HTTPHEADER, write_headers(transfer, headers, header_count));
    SET(transfer->easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    transfer->started_us = clock_monotonic_us();

    CURLMcode code = curl_multi_add_handle(client->multi, transfer->easy);
    if (code != CURLM_OK)
        panic("curl_multi_add_handle: %s", curl_multi_strerror(code));
    list_append(&client->in_flight, &transfer->link);
    client->in_flight_count++;
}

void http_client_post(struct http_client *client, struct str url,
                      const struct http_client_header *headers, size_t header_count,
                      struct str body, int64_t timeout_ms, http_client_done_fn *done, void *context)
{
    http_client_post_if(client, url, headers, header_count, body, timeout_ms, NULL, done, context);
}

void http_client_post_if(struct http_client *client, struct str url,
                         const struct http_client_header *headers, size_t header_count,
                         struct str body, int64_t timeout_ms,
                         const struct http_client_permit *permit, http_client_done_fn *done,
                         void *context)
{
    struct transfer *transfer = transfer_take(client);
    if (permit)
        transfer->permit = *permit;
    transfer->done = done;
    transfer->context = context;
    buf_str_append(&transfer->body, body);
    SET(transfer->easy, CURLOPT_POST, 1L);
    SET(transfer->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)transfer->body.len);
    SET(transfer->easy, CURLOPT_POSTFIELDS, buf_c_string(&transfer->body));
    transfer_start(transfer, url, headers, header_count, timeout_ms);
}

void http_client_get(struct http_client *client, struct str url,
                     const struct http_client_header *headers, size_t header_count,
                     int64_t timeout_ms, http_client_done_fn *done, void *context)
{
    struct transfer *transfer = transfer_take(client);
    transfer->done = done;
    transfer->context = context;
    SET(transfer->easy, CURLOPT_HTTPGET, 1L);
    transfer_start(transfer, url, headers, header_count, timeout_ms);
}

// ---- the end of a transfer

static bool url_was_refused(CURLcode code)
{
    return code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL ||
           code == CURLE_LOGIN_DENIED;
}

// 0 while no status line came for this transfer.
static int status_of(const struct transfer *transfer)
{
    long status = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    return (int)status;
}

static enum http_client_outcome outcome_of(const struct transfer *transfer, CURLcode code)
{
    bool cut_by_us =
        code == CURLE_WRITE_ERROR && transfer->answer.len == transfer->client->options.answer_limit;
    if (code == CURLE_OK || cut_by_us)
        return HTTP_CLIENT_ANSWERED;
    if (transfer->withdrawn)
        return HTTP_CLIENT_WITHDRAWN;
    if (transfer->left)
        return HTTP_CLIENT_UNCERTAIN;
    if (url_was_refused(code) || (transfer->sockets_refused && !transfer->sockets_opened))
        return HTTP_CLIENT_FORBIDDEN;
    return HTTP_CLIENT_NOT_SENT;
}

static void transfer_finish(struct transfer *transfer, CURLcode code)
{
    struct http_client *client = transfer->client;
    struct http_client_answer answer = {
        .outcome = outcome_of(transfer, code),
        .body = buf_str(&transfer->answer),
        .retry_after_s = -1,
        .duration_us = clock_monotonic_us() - transfer->started_us,
    };
    answer.reason = answer.outcome == HTTP_CLIENT_ANSWERED    ? "answered"
                    : answer.outcome == HTTP_CLIENT_FORBIDDEN ? transfer->forbidden_by
                    : answer.outcome == HTTP_CLIENT_WITHDRAWN ? "cancelled before it was sent"
                                                              : curl_easy_strerror(code);
    if (answer.outcome == HTTP_CLIENT_ANSWERED || answer.outcome == HTTP_CLIENT_UNCERTAIN)
        answer.status = status_of(transfer);
    if (answer.outcome == HTTP_CLIENT_ANSWERED) {
        curl_off_t retry_after_s = 0;
        curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
        if (retry_after_s > 0)
            answer.retry_after_s = retry_after_s;
    }

    curl_multi_remove_handle(client->multi, transfer->easy);
    list_remove(&transfer->link);
    client->in_flight_count--;
    transfer->done(transfer->context, &answer); // may start the next request
    transfer_give_back(transfer);
}

static void read_finished(struct http_client *client)
{
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(client->multi, &left));) {
        if (message->msg != CURLMSG_DONE)
            continue;
        struct transfer *transfer = NULL;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        transfer_finish(transfer, message->data.result);
    }
}

// ---- the client

struct http_client *http_client_new(uv_loop_t *loop, const struct http_client_options *options)
{
    struct http_client *client = heap_new(sizeof *client);
    if (!client || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
        !(client->multi = curl_multi_init()))
        panic("curl does not start");
    client->watches =
        (struct http_watches){.loop = loop, .ready = on_socket_ready, .context = client};
    client->options = *options;
    if (client->options.answer_limit == 0)
        client->options.answer_limit = ANSWER_BYTES_LIMIT;
    list_init(&client->in_flight);
    list_init(&client->pool);
    uv_timer_init(loop, &client->timer);

    curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, socket_wanted);
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, timer_wanted);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long)options->connections_limit);
    curl_multi_setopt(client->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS,
                      (long)options->connections_limit);
    curl_multi_setopt(client->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                      (long)options->connections_per_host);
    return client;
}

static void timer_closed(uv_handle_t *handle)
{
    struct http_client *client = CONTAINER_OF(handle, struct http_client, timer);
    http_watches_release(&client->watches);
    free(client);
}

void http_client_free(struct http_client **handle)
{
    struct http_client *client = *handle;
    if (!client)
        return;
    *handle = NULL;
    ASSERT(client->in_flight_count == 0);

    LIST_EACH (&client->pool, struct transfer, link, transfer) {
        transfer_free(transfer);
    }
    curl_multi_cleanup(client->multi); // closes the idle connections
    uv_close((uv_handle_t *)&client->timer, timer_closed);
    curl_global_cleanup();
}

size_t http_client_in_flight(const struct http_client *client)
{
    return client->in_flight_count;
}

void http_client_abort_all(struct http_client *client)
{
    // Only those that are out now: a callback may start new ones.
    for (size_t count = client->in_flight_count; count > 0; count--)
        transfer_finish(LIST_FIRST(&client->in_flight, struct transfer, link),
                        CURLE_ABORTED_BY_CALLBACK);
}
