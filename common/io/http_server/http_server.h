// http_server: HTTP/1.1 ingress on libh2o. Only the files that include io/http_server/http_h2o.h
// use libh2o.
//
// The server parses requests, enforces limits and refuses; every other request is handed to one
// function. It refuses, and closes the connection: with 400 ambiguous framing (Content-Length
// beside Transfer-Encoding, two lengths, folded headers, bare LF, no Host or two, malformed chunks,
// …; see http_framing.h and http_chunks.h); with 413 a body over body_limit; with 431 a head over
// HTTP_HEAD_LIMIT; with 408 a request whose head and body take longer than 10 s. A chunked body,
// and one larger than unread_over, is left to the handler, which reads it piece by piece
// (http_body_read()) or refuses it unread.
//
// A server that is full, or whose descriptors run out, closes the connection that has been idle
// longest and accepts the new one. One address (for IPv6 one /64) holds no more than its share;
// beyond it, its own oldest idle connection is closed. When no connection is idle, a few more are
// accepted so that probes are answered: http_is_spare() is true for their requests, and the handler
// refuses what is not a probe.
//
//   static void handle(void *context, struct http_request *request)
//   { … http_answer(request, &(struct http_answer){.status = 200, .body = …}); }
//
// A client that does not read its answer, or less than 32 KiB of it in 10 s, is disconnected; so is
// the reader of a stream or download.
//
// A request is answered exactly once, now or later, by http_answer(), http_stream_start() or
// http_close(). It lives until then; if the client has gone meanwhile the answer is dropped. All
// its strings live as long as it does.
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct address_ranges;
struct http_server;
struct http_request;
struct http_stream;

// What is known of a request that the server refuses by itself; absent where nothing is.
struct http_glance;

struct http_server_options {
    const char *host;  // "0.0.0.0", "127.0.0.1", "::"
    int port;          // 0: the kernel chooses, http_server_port() tells
    size_t body_limit; // bytes
    // A chunked body, and one whose Content-Length is larger, is read only by its handler; 0: no
    // body is.
    size_t unread_over;
    size_t connections_limit;
    size_t connections_of_address; // 0: no such limit
    const struct address_ranges
        *trusted; // proxies, whose connections serve many people; may be NULL
    void (*handle)(void *context, struct http_request *request);
    // Puts the body of an error the server answers by itself (400, 408, 413, 431). May be NULL.
    void (*render_error)(void *context, const struct http_glance *asked, const struct err *err,
                         struct buf *body, struct str *content_type);
    void (*drained)(void *context); // http_server_drain() is over; may be NULL
    void *context;
};

// Binds and listens; an address in use is an error, not a crash.
struct http_server *http_server_new(uv_loop_t *loop, const struct http_server_options *options,
                                    struct err *err);
// Every answer from now on ends its connection; for delay_ms new connections are still accepted.
// Then streams end, no new connection is possible, and a second later connections without a byte of
// a request are closed. When the last connection is gone drained() runs. A client that has sent a
// byte is not disconnected.
void http_server_drain(struct http_server *server, uint64_t delay_ms);
// The delay is over: answers without an end, such as streams, must end now.
bool http_server_lets_go(const struct http_server *server);
// No request may be unanswered. Cuts what is left of connections and runs the loop until they are
// gone: not from inside a callback of the loop.
void http_server_free(struct http_server **server);

struct http_server_counts {
    uint64_t accepted, refused_framing, accept_paused;
    uint64_t closed_address,
        closed_full;       // idle ones, for their address's share or the server's limit
    uint64_t refused_full; // new ones, when nobody was idle
    uint64_t closed_slow;  // clients that did not read their answer
    size_t connections, unanswered;
};
struct http_server_counts http_server_counts(const struct http_server *server);
int http_server_port(const struct http_server *server); // 0 once it is closed

struct str http_method(const struct http_request *request);
struct str http_path(const struct http_request *request);  // without the query, not decoded
struct str http_query(const struct http_request *request); // absent when there is none
struct str http_header(const struct http_request *request,
                       const char *lower_case_name); // first; absent if none
// All lines of that name, commas between; absent if none.
struct str http_header_lines(struct http_request *request, const char *lower_case_name);
struct str http_body(const struct http_request *request);
// How much of the body is still to be read with http_body_read(). For a chunked one, where
// unread_over is set, it is unknown until its end has arrived. While there is any, http_body() is
// empty. An answer given before the end waits until the client has sent the rest, which is thrown
// away, at most 2 s; then the connection closes.
int64_t http_body_left(const struct http_request *request);
#define HTTP_BODY_UNKNOWN INT64_MAX
// Reads the next bytes, at most HTTP_PIECE_BYTES, once. got() runs later, or at once inside this
// call. It gets err when the client has gone or has ended the body early; then there is no more.
// bytes are valid during got().
enum { HTTP_PIECE_BYTES = 16 * 1024 };
typedef void http_body_fn(void *context, struct str bytes, const struct err *err);
void http_body_read(struct http_request *request, http_body_fn *got, void *context);
void http_body_stop(struct http_request *request);      // got() does not run any more
struct str http_peer(struct http_request *request);     // "192.0.2.7"
bool http_is_spare(const struct http_request *request); // it came over the limit of connections
struct arena *http_arena(struct http_request *request); // freed after the answer

struct http_header_line {
    const char *name; // lower case, static
    struct str value; // copied
};

enum { HTTP_ANSWER_HEADERS = 16 };

struct http_answer {
    int status;
    struct str content_type;                              // absent: no body
    struct str body;                                      // copied
    struct http_header_line headers[HTTP_ANSWER_HEADERS]; // up to the first with name NULL
    bool close;                                           // and then the connection
    size_t length; // Content-Length of an answer to HEAD, whose body is empty; 0: the body's length
};

// Appends a header line. Clients cannot choose how many there are, so one too many panics.
void http_answer_add(struct http_answer *answer, const char *name, struct str value);
bool http_answer_has(const struct http_answer *answer, const char *name);

void http_answer(struct http_request *request, const struct http_answer *answer);
void http_close(struct http_request *request); // ends the connection without an answer

// Answers that go on: Server-Sent Events. closed runs once when the client has gone or the server
// drains; after it the stream must not be used. http_stream_write() says false when more than 256
// KiB wait for a reader that is too slow; the caller then ends the stream (the client resumes by
// Last-Event-ID).
struct http_stream *http_stream_start(struct http_request *request, struct str content_type,
                                      void (*closed)(void *context), void *context);
MUST_USE bool http_stream_write(struct http_stream *stream, struct str bytes);
void http_stream_end(struct http_stream *stream); // closed does not run
// The same, and what waits for the reader is thrown away.
void http_stream_cut(struct http_stream *stream);

// A large answer whose length is known. It has the status, content_type and headers of head. The
// owner writes a piece, and the next one when drained() runs, because then all of the last piece
// has left. It ends with http_stream_end(), also if the owner cannot get all bytes: the client sees
// that some are missing. A draining server lets it finish.
struct http_stream *http_download_start(struct http_request *request,
                                        const struct http_answer *head, size_t length,
                                        void (*drained)(void *context),
                                        void (*closed)(void *context), void *context);
