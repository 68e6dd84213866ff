// http_h2o: what http_server.c, http_drain.c, http_refusal.c, http_request.c and http_stream.c
// share. Nobody else includes it: they are the only files that know h2o.
//
// A connection is where it is listed:
//
//   waiting    for a request, or for the rest of one; oldest first, cut at its deadline
//   (none)     a request is in the handler's hands
//   answering  something is written to it, an answer or a stream; checked regularly (http_pace.c)
//   fresh      its answer was sent; libh2o reads again, and our read callback is not yet restored
//   skipping   answered before its body had come; the answer leaves when the rest was thrown away
//   lingering  refused; what the client still sends is thrown away so that it can read the refusal
//
// libh2o never sees a body that is large or may become large, because it would keep it in a buffer
// that grows by doubling. The head that libh2o reads is changed to say Content-Length 0, or to have
// no Transfer-Encoding. So the handler gets the request at once and reads the body from the socket
// through http_body.c.
//
// libh2o hands over a request when its body is complete, and parses more tolerantly than we accept.
// So we intercept the reads of each connection: http_connection_listen() puts on_read() of
// http_server.c in front of libh2o's read callback, where a head is judged as soon as it is
// complete, and the chunks of a body as they come. libh2o sets its own callback again for every
// request, hence the list `fresh`, which is served before the loop sleeps. What a client sends
// behind a request, before that is answered, libh2o does not see until then (`early`): so nothing
// passes unjudged. Nor does it see "Expect: 100-continue", which it would answer by listening
// without us.
#pragma once

#define H2O_USE_LIBUV 1

#include "base/list.h"
#include "io/http_server/http_chunks.h"
#include "io/http_server/http_framing.h"
#include "io/http_server/http_server.h"
#include "io/tcp/listener.h"
#include "io/tcp/tcp_progress.h"

// h2o's inline functions call rand(), which base/banned.h forbids us.
#pragma push_macro("rand")
#undef rand
#include <h2o.h>
#pragma pop_macro("rand")

enum {
    REQUEST_TIMEOUT_MS = 10000, // to begin one, and again from its first to its last byte
    LINGER_MS = 2000,
    H2O_TIMEOUT_MS = 30000, // libh2o's own; never the first
    STREAM_BACKLOG_LIMIT = 256 * 1024
};

enum http_drain {
    HTTP_DRAIN_NOT,
    HTTP_DRAIN_RETIRING,
    HTTP_DRAIN_DEAF,
    HTTP_DRAIN_CLOSED,
    HTTP_DRAIN_QUIET
};

struct http_server {
    struct http_server_options options;
    uv_loop_t *loop;
    struct listener *listener; // NULL once closed
    h2o_globalconf_t config;
    h2o_context_t context;
    h2o_accept_ctx_t accept;
    uv_prepare_t before_sleep;
    uv_timer_t clock, drain_clock;
    int handles_open; // of the three above
    enum http_drain drain;
    unsigned drain_turns;    // of drain_clock, until the next step
    bool is_drained;         // and told
    struct list connections; // all
    struct list waiting, answering, fresh, skipping, lingering;
    struct list streams, downloads;
    struct map *places; // by address: who holds connections, struct http_place (http_crowd.c)
    size_t open, spare; // connections within the limit, and those over it
    struct http_server_counts counts;
    char incoming[HTTP_PIECE_BYTES]; // what is read of a body; handed on before the next is read
};

// A body that libh2o does not get.
struct unread_body {
    int64_t left;    // HTTP_BODY_UNKNOWN until a chunked one has ended
    bool is_chunked; // connection->chunks reads it
    // The bytes that have arrived and were not read yet; of a chunked body, the data of the chunks.
    struct buf early;
    bool waits_for_leave; // the client waits for 100 Continue before it sends
    bool has_failed;      // nothing more can be read
    bool ended_early;
    http_body_fn *got; // the callback that waits for the next bytes
    void *context;
};

struct connection {
    uv_tcp_t tcp;
    struct http_server *server;
    h2o_socket_t *socket; // NULL once libh2o has closed it
    uv_read_cb h2o_read;
    struct list all;
    struct list state;
    struct http_place *place;      // NULL: a proxy's, or it has gone
    struct list idle_there;        // on the place's list while it waits for a request
    bool is_counted, is_spare;     // among the server's open ones, or its spare ones
    uint64_t since_ms;             // when it came onto the list, or the request's first byte
    size_t head_seen;              // bytes of this request's head searched for its end
    bool head_is_passed;           // judged and found good
    struct http_head head;         // what it says
    uint64_t body_left;            // of a body with Content-Length that is libh2o's
    struct http_chunks chunks;     // of a body without one
    struct buf early;              // what came behind this request
    struct unread_body body;       // of the request that is in work
    struct http_request *skipping; // whose answer waits for the rest of its body
    struct http_stream *stream;    // NULL unless its answer goes on
    struct tcp_progress pace;      // at the last look; zero before the first
};

struct http_request {
    h2o_req_t *h2o;
    struct connection *connection;
    struct arena *arena; // NULL until asked for
    char peer[INET6_ADDRSTRLEN];
    struct http_answer *held; // while its connection is skipping
};

// http_server.c
void http_connection_listen(struct connection *connection);
void http_connection_answers(struct connection *connection);  // something is about to be written
void http_connection_answered(struct connection *connection); // its request's memory has gone
void http_connection_cut(struct connection *connection);      // without an answer
void http_connection_linger(struct connection *connection);
void http_connection_skip(struct connection *connection);

// http_pace.c
bool http_pace_is_kept(struct connection *connection); // since the look before

// http_drain.c
// Whether bytes of its client wait to be read.
bool http_drain_is_spoken_to(const struct connection *connection);
void http_drain_look(struct http_server *server);    // a connection has gone
void http_drain_at_once(struct http_server *server); // whatever is left, the caller cuts

// http_refusal.c: the errors that need no handler.
// For a connection whose request never reached the handler; input: the bytes that came of it.
void http_refuse(struct connection *connection, struct str input, const struct err *err);
void http_refuse_request(struct http_request *request, const struct err *err);
// Replaces the texts of libh2o's own refusals by ours.
void http_refusal_filter(h2o_hostconf_t *host, struct http_server *server);

// http_body.c
// Takes the body's first bytes, which follow the head in libh2o's buffer, and changes the head so
// that it announces no body.
void http_body_divert(struct connection *connection, const struct http_head *head, size_t head_len,
                      size_t early_len);
void http_body_forget(struct connection *connection);
// Whether the answer has to wait for the rest of the body.
bool http_body_is_on_its_way(const struct connection *connection);
void http_body_skip(struct http_request *request); // then http_answer_held()

// http_crowd.c
// False: there is no room, and the caller closes the descriptor.
bool http_crowd_enter(struct connection *connection, int descriptor);
void http_crowd_leave(struct connection *connection); // once or more
void http_crowd_waits(struct connection *connection); // for a request; its time begins anew
void http_crowd_works(struct connection *connection);
void http_crowd_shortage(void *server);

// http_request.c
void http_answer_held(struct connection *connection);
int http_request_take(h2o_handler_t *handler, h2o_req_t *h2o);
const char *http_reason(int status);
void http_header_add(h2o_req_t *h2o, const char *name, struct str value); // static name
void http_head_set(h2o_req_t *h2o, const struct http_answer *answer, size_t length);

// http_stream.c
void http_refused_write_notify(struct connection *connection);
void http_stream_free(struct http_stream **stream); // also runs `closed` if it is still due
void http_stream_drain(struct http_stream *stream);
struct http_stream *http_stream_of(struct list *link);
