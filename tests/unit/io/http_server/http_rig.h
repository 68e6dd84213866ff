// http_rig: the HTTP server in a child process, and a client of it over real sockets. If the child ends with status 0, every
// handle, connection and byte was freed. Each test has one server; clients are descriptors that the test closes.
//
// GET /counts     what the server and its handler counted, as name=value
// GET /later      is answered "late" after 200 ms; one at a time
// GET /pause      begins to drain, then does nothing for 1.5 s; answered with the number of
//                 connections that are open after it
// GET /close      ends the connection without an answer
// GET /stream     a stream with one event; one at a time
// GET /flood      a stream that writes until the server refuses more
// GET /say        method, path, query, peer and host; X-Note comes back as x-echo
// anything else   answers with the request's body
#pragma once

#include "base/buf.h"
#include "io/http_server/http_server.h"

enum { BODY_LIMIT = 1000, CONNECTIONS_LIMIT = 50, ADDRESS_LIMIT = 20 };

void http_rig_start(void);
void http_rig_start_limited(int descriptors_limit);
void http_rig_stop(void);    // fails the test when the server does not end cleanly
double http_rig_cpu_s(void); // processor time that the child has used

int client_new(void);
int client_new_from(const char *own_address);
int client_new_narrow(void); // receives little at a time, in packets as small as those of a network
void client_send(int client, struct str bytes); // as many as the server still accepts

// These wait longer than a server under load needs, and return what was received, which `bytes` owns.
const char *client_receive(int client, struct buf *bytes); // one answer with a length
const char *client_receive_all(int client,
                               struct buf *bytes); // until it is closed, or the test fails
const char *client_receive_text(int client, struct buf *bytes, const char *text);
bool client_is_left_alone(int client); // neither answered nor closed for a moment

int counted(const char *name); // of GET /counts, over a connection of its own
void wait_until_counted(const char *name, int wanted);

bool starts(const char *text, const char *with);
bool has(const char *text, const char *part);
