// http_probes: heads that two readers could cut differently, or that no client of ours would send.
// Judged as bytes by test_http_framing.c and over a socket by test_http_server.c.
#pragma once

#include "base/str.h"

struct probe {
    const char *name;
    struct str head;
};

#define PROBE(title, bytes)                                                                        \
    {                                                                                              \
        .name = (title), .head = STR_INIT(bytes)                                                   \
    }
#define POST "POST /nexus HTTP/1.1\r\nHost: nexus\r\n"

static const struct probe probes[] = {
    PROBE("a length beside chunked",
          POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
    PROBE("chunked beside a length",
          POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"),
    PROBE("two lengths", POST "Content-Length: 3\r\nContent-Length: 0\r\n\r\n"),
    PROBE("two equal lengths", POST "Content-Length: 3\r\nContent-Length: 3\r\n\r\n"),
    PROBE("a list of lengths", POST "Content-Length: 3,3\r\n\r\n"),
    PROBE("a signed length", POST "Content-Length: +3\r\n\r\n"),
    PROBE("a negative length", POST "Content-Length: -1\r\n\r\n"),
    PROBE("minus nothing", POST "Content-Length: -0\r\n\r\n"),
    PROBE("a hexadecimal length", POST "Content-Length: 0x3\r\n\r\n"),
    PROBE("an empty length", POST "Content-Length:\r\n\r\n"),
    PROBE("a length with a blank inside", POST "Content-Length: 1 2\r\n\r\n"),
    PROBE("a length that overflows", POST "Content-Length: 18446744073709551619\r\n\r\n"),
    PROBE("identity", POST "Transfer-Encoding: identity\r\n\r\n"),
    PROBE("gzip, chunked", POST "Transfer-Encoding: gzip, chunked\r\n\r\n"),
    PROBE("chunked twice", POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
    PROBE("identity, then chunked",
          POST "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n"),
    PROBE("something like chunked", POST "Transfer-Encoding: xchunked\r\n\r\n"),
    PROBE("chunked in quotes", POST "Transfer-Encoding: \"chunked\"\r\n\r\n"),
    PROBE("chunked before a vertical tab", POST "Transfer-Encoding: chunked\v\r\n\r\n"),
    PROBE("chunked in HTTP/1.0",
          "POST / HTTP/1.0\r\nHost: nexus\r\nTransfer-Encoding: chunked\r\n\r\n"),
    PROBE("a folded header", POST "X-Fold: a\r\n b\r\nContent-Length: 0\r\n\r\n"),
    PROBE("a fold in the first header", "GET / HTTP/1.1\r\n Host: nexus\r\n\r\n"),
    PROBE("a folded length", POST "Content-Length:\r\n 3\r\n\r\n"),
    PROBE("bare LF everywhere", "GET / HTTP/1.1\nHost: nexus\n\n"),
    PROBE("bare LF after the request line", "GET / HTTP/1.1\nHost: nexus\r\n\r\n"),
    PROBE("bare LF after a header", "GET / HTTP/1.1\r\nHost: nexus\nX: y\r\n\r\n"),
    PROBE("bare LF as the empty line", "GET / HTTP/1.1\r\nHost: nexus\r\n\n"),
    PROBE("LF, CR LF", "GET / HTTP/1.1\r\nHost: nexus\n\r\n"),
    PROBE("bare CR in a value", "GET / HTTP/1.1\r\nHost: nexus\r\nX: a\rb\r\n\r\n"),
    PROBE("no Host", "GET / HTTP/1.1\r\nX: y\r\n\r\n"),
    PROBE("two Hosts", "GET / HTTP/1.1\r\nHost: nexus\r\nHost: other\r\n\r\n"),
    PROBE("two Hosts in HTTP/1.0", "GET / HTTP/1.0\r\nHost: nexus\r\nHost: nexus\r\n\r\n"),
    PROBE("a list of Hosts", "GET / HTTP/1.1\r\nHost: nexus, other\r\n\r\n"),
    PROBE("a path in the Host", "GET / HTTP/1.1\r\nHost: nexus/x\r\n\r\n"),
    PROBE("NUL in a value", "GET / HTTP/1.1\r\nHost: nexus\r\nX: a\0b\r\n\r\n"),
    PROBE("NUL in a name", "GET / HTTP/1.1\r\nHost: nexus\r\nX\0: a\r\n\r\n"),
    PROBE("a control character in a value", "GET / HTTP/1.1\r\nHost: nexus\r\nX: \x01\r\n\r\n"),
    PROBE("DEL in a value", "GET / HTTP/1.1\r\nHost: nexus\r\nX: \x7f\r\n\r\n"),
    PROBE("a blank before the colon", POST "Content-Length : 3\r\n\r\n"),
    PROBE("a tab before the colon", POST "Content-Length\t: 3\r\n\r\n"),
    PROBE("a blank in a name", POST "Content Length: 3\r\n\r\n"),
    PROBE("a name beyond ASCII", "GET / HTTP/1.1\r\nHost: nexus\r\nX\xc3\xa4: y\r\n\r\n"),
    PROBE("a header without a colon", "GET / HTTP/1.1\r\nHost: nexus\r\nnonsense\r\n\r\n"),
    PROBE("a header without a name", "GET / HTTP/1.1\r\nHost: nexus\r\n: y\r\n\r\n"),
    PROBE("HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    PROBE("HTTP/0.9 with a head", "GET /\r\nHost: nexus\r\n\r\n"),
    PROBE("HTTP/1.2", "GET / HTTP/1.2\r\nHost: nexus\r\n\r\n"),
    PROBE("HTTP/1.10", "GET / HTTP/1.10\r\nHost: nexus\r\n\r\n"),
    PROBE("http/1.1", "GET / http/1.1\r\nHost: nexus\r\n\r\n"),
    PROBE("two blanks after the method", "GET  / HTTP/1.1\r\nHost: nexus\r\n\r\n"),
    PROBE("two blanks before the version", "GET /  HTTP/1.1\r\nHost: nexus\r\n\r\n"),
    PROBE("a blank after the version", "GET / HTTP/1.1 \r\nHost: nexus\r\n\r\n"),
    PROBE("a blank in the path", "GET /a b HTTP/1.1\r\nHost: nexus\r\n\r\n"),
    PROBE("a tab in the path", "GET /a\tb HTTP/1.1\r\nHost: nexus\r\n\r\n"),
    PROBE("NUL in the path", "GET /a\0b HTTP/1.1\r\nHost: nexus\r\n\r\n"),
    PROBE("a blank before the method", " GET / HTTP/1.1\r\nHost: nexus\r\n\r\n"),
    PROBE("a method that is no token", "G(T / HTTP/1.1\r\nHost: nexus\r\n\r\n"),
    PROBE("no method", " / HTTP/1.1\r\nHost: nexus\r\n\r\n"),
    PROBE("an absolute target", "GET http://other/ HTTP/1.1\r\nHost: nexus\r\n\r\n"),
    PROBE("CONNECT", "CONNECT other:443 HTTP/1.1\r\nHost: nexus\r\n\r\n"),
    PROBE("an asterisk", "OPTIONS * HTTP/1.1\r\nHost: nexus\r\n\r\n"),
    PROBE("nothing but line ends", "\r\n\r\n"),
    PROBE("two empty lines first", "\r\n\r\nGET / HTTP/1.1\r\nHost: nexus\r\n\r\n"),
};
