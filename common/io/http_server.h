// http_server: HTTP/1.1 ingress on libh2o; the only file that knows h2o.
//
// The server parses, bounds and refuses; what passes is handed to one function. Refused here, with
// 400 and close: ambiguous framing (Content-Length beside Transfer-Encoding, two lengths, folded
// headers, bare LF, no Host or two, chunks that are not exactly chunks, …; io/http_framing.h,
// io/http_chunks.h); 413 over body_limit; 431 over head_limit
// (16 KiB); 408 when head and body take longer than 10 s. Connections over connections_limit are
// not accepted until some have gone (no spinning: the listener is paused, also when descriptors run
// out).
//
//   static void handle(void *context, struct http_request *request)
//   { … http_answer(request, &(struct http_answer){.status = 200, .body = …}); }
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

struct http_server;
struct http_request;
struct http_stream;

// What is known of a request that the server refuses by itself; absent where nothing is.
struct http_glance;

struct http_server_options {
    const char *host;  // "0.0.0.0", "127.0.0.1", "::"
    int port;          // 0: the kernel chooses, http_server_port() tells
    size_t body_limit; // bytes
    size_t connections_limit;
    void (*handle)(void *context, struct http_request *request);
    // Puts the body of an error the server answers by itself (400, 408, 413, 431). May be NULL.
    void (*render_error)(void *context, const struct http_glance *asked, const struct err *err,
                         struct buf *body, struct str *content_type);
    void *context;
};

// Binds and listens; an address in use is an error, not a crash.
struct http_server *http_server_new(uv_loop_t *loop, const struct http_server_options *options,
                                    struct err *err);
// Stops accepting and asks keep-alive connections to close after their answer.
void http_server_drain(struct http_server *server);
// No request may be unanswered. Cuts what is left of connections and runs the loop until they are
// gone: not from inside a callback of the loop.
void http_server_free(struct http_server **server);

struct http_server_counts {
    uint64_t accepted, refused_framing, accept_paused;
    size_t connections, unanswered;
};
struct http_server_counts http_server_counts(const struct http_server *server);
int http_server_port(const struct http_server *server); // 0 once draining

struct str http_method(const struct http_request *request);
struct str http_path(const struct http_request *request);  // without the query, not decoded
struct str http_query(const struct http_request *request); // absent when there is none
struct str http_header(const struct http_request *request,
                       const char *lower_case_name); // first; absent if none
// All lines of that name, commas between; absent if none.
struct str http_header_lines(struct http_request *request, const char *lower_case_name);
struct str http_body(const struct http_request *request);
struct str http_peer(struct http_request *request);     // "192.0.2.7"
struct arena *http_arena(struct http_request *request); // freed after the answer

struct http_header_line {
    const char *name; // lower case, static
    struct str value; // copied
};

struct http_answer {
    int status;
    struct str content_type;             // absent: no body
    struct str body;                     // copied
    struct http_header_line headers[12]; // up to the first with name NULL
    bool close;                          // and then the connection
};

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
