// http_client: HTTP requests to addresses that customers chose; the only file that knows libcurl.
//
// Limits that hold for every request: http and https only, no redirects, no proxy, no cookies, TLS
// at least 1.2 with verified peer, whole exchange within timeout_ms, connect within 5 s, answer
// capped at answer_limit (more is cut off and the transfer ended), less than 1 B/s for 10 s ends
// it.
//
// SSRF: the address is checked when the socket is opened, after DNS, so neither spelling tricks nor
// DNS rebinding help (io/tcp/address.h). It is checked again before each request, because
// connections are shared and requests may reach different addresses. A forbidden address ends the
// request with HTTP_CLIENT_FORBIDDEN before a byte is sent.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct http_client;
struct address_ranges;

struct http_client_options {
    const struct address_ranges
        *allow;                 // beside the public internet; may be NULL; outlives the client
    unsigned connections_limit; // open at once, idle ones included
    unsigned connections_per_host;
    size_t answer_limit; // bytes of an answer that are kept; 0: 64 KiB
    const char *user_agent;
};

struct http_client *http_client_new(uv_loop_t *loop, const struct http_client_options *options);
void http_client_free(struct http_client **client); // no request may be out

enum http_client_outcome {
    HTTP_CLIENT_ANSWERED,  // status and body are set
    HTTP_CLIENT_NOT_SENT,  // no connection, no name, TLS refused: the request never left
    HTTP_CLIENT_UNCERTAIN, // it left, or may have, and no whole answer came
    HTTP_CLIENT_FORBIDDEN, // the address is not one we may talk to, or the URL not one we accept
    HTTP_CLIENT_WITHDRAWN, // may_leave() said no: the request never left
};

struct http_client_answer {
    enum http_client_outcome outcome;
    int status;      // also when UNCERTAIN, where a status line came and its rest did not; else 0
    struct str body; // valid inside the callback
    int64_t retry_after_s; // -1 when not given (delta-seconds and HTTP dates are understood)
    int64_t duration_us;
    const char *reason; // for people and logs; holds no address and nothing of the body
};

struct http_client_header {
    struct str name, value;
};

typedef void http_client_done_fn(void *context, const struct http_client_answer *answer);

// POST of body. url, headers and body are copied. done runs later, exactly once.
void http_client_post(struct http_client *client, struct str url,
                      const struct http_client_header *headers, size_t header_count,
                      struct str body, int64_t timeout_ms, http_client_done_fn *done,
                      void *context);
// The same for a request with further conditions. Each function may be NULL.
struct http_client_permit {
    // Asked once, when the connection is established. After true the first byte is sent in the same
    // turn of the loop; false ends the request with WITHDRAWN.
    bool (*may_leave)(void *context);
    // The addresses that this request may reach in addition to those allowed to all; NULL: none.
    // Asked when a socket is opened and before the first byte.
    const struct address_ranges *(*granted)(void *context);
};
void http_client_post_if(struct http_client *client, struct str url,
                         const struct http_client_header *headers, size_t header_count,
                         struct str body, int64_t timeout_ms,
                         const struct http_client_permit *permit, http_client_done_fn *done,
                         void *context);
void http_client_get(struct http_client *client, struct str url,
                     const struct http_client_header *headers, size_t header_count,
                     int64_t timeout_ms, http_client_done_fn *done, void *context);
size_t http_client_in_flight(const struct http_client *client);
// Ends all requests now; their callbacks run with UNCERTAIN (or NOT_SENT) before this returns.
void http_client_abort_all(struct http_client *client);
