// http_framing: where a request's head ends and whether every reader would cut the connection's
// bytes into requests at the same places, without I/O. io/http_server/http_server.c asks before
// libh2o's more tolerant parser acts on a head, because a proxy that reads differently from us lets
// one client slip requests into another's connection (request smuggling).
//
// Refused: bare LF or CR, NUL and other control characters, folded headers, blanks around a
// header's name, no or several Host, Content-Length twice, beside Transfer-Encoding or other than
// digits, Transfer-Encoding other than one exact "chunked" or in HTTP/1.0, any version but HTTP/1.0
// and 1.1 (so HTTP/2's preface too), a second line of any header that must be one (Authorization,
// x-ccid, …: two readers could believe different ones), targets that are neither a path nor a URL
// whose host is that of the Host header.
//
// The chunks of a body are read by io/http_server/http_chunks.h.
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    HTTP_HEAD_LIMIT = 16384,  // bytes, the empty line included
    HTTP_TARGET_LIMIT = 8192, // bytes of path and query
    HTTP_HEADER_LINES_LIMIT = 100
};

struct http_head {
    int64_t content_length; // -1 when none is given
    bool chunked;
    struct str length_digits; // of Content-Length, in the head itself; absent without one
    struct str expect_name;   // the name of the header Expect there; absent without one
    struct str coding_name;   // that of Transfer-Encoding; absent without one
    bool wants_leave;         // expects 100 Continue; never in HTTP/1.0 (RFC 9110, 10.1.1)
};

// The length of the head, its empty line included, at the front of what a connection has received;
// 0 while it has not all come. The first `seen` bytes were searched before. An end that another
// reader might see (LF LF) is an end here too: http_head_check() then refuses the head.
size_t http_head_end(struct str received, size_t seen);

// head: as long as http_head_end() said. ERR_BAD_REQUEST, or ERR_HEADERS_TOO_LARGE past a limit;
// the text names the rule and repeats nothing of the request.
MUST_USE bool http_head_check(struct str head, struct http_head *found, struct err *err);

// What a request's target says. A URL (RFC 9112, 3.2.2) is its path; authority is then its host
// and port, else absent. query is absent where there is no "?". False: neither path nor URL.
struct http_target {
    struct str authority, path, query;
};
MUST_USE bool http_target_cut(struct str target, struct http_target *cut);

// What is known of a request that is refused before it was read; absent where nothing is.
struct http_glance {
    struct str method, path, accept;
};
struct http_glance http_head_glance(struct str head);

bool http_is_token_byte(char byte); // of a method's or header's name
