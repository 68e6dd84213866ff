// large_body: bodies that are not read with their head (io/http_server/http_server.h, unread_over),
// and compressed ones. A chunked one begins in body_beginning.h, and comes here when it is larger
// than that or compressed. A few are read at a time and the others wait unread, so that memory does
// not grow with the number of clients: 6 places, and 64 that wait for one, at most 15 s, then 503.
// One contact center has NEXUS_TENANT_SHARE percent of what the others have left of both
// (shares.h), so that a third one finds room beside two busy ones. While others wait, a body that
// arrives at less than 32 KiB/s loses its place.
//
// Large contents of a body (wire/body/body_scan.h) go to sms-worker in pieces while the body
// arrives; each piece is stored before the next is read. The message that follows refers to the
// upload and takes it over in its transaction. An upload whose message never came, or was refused,
// is dropped: upload.h, docs/decisions/0025.
//
//   large_body_take(exchange, came)  …  exchange->body is read, came(exchange)
//
// or the exchange is answered: 413, 408, 400, 503; 401 where the right to send ended before the
// body did, and then nothing of it is stored.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct exchange;
struct gateway;
struct large_bodies;

enum { LARGE_BODY_OVER = 32 * 1024 }; // bytes of a body that is read with its head

struct large_bodies *large_bodies_new(struct gateway *gateway);
// Answers those that are not finished.
void large_bodies_free(struct large_bodies **all);

// Is the body read here?
bool large_body_is(const struct exchange *exchange);
// The exchange's caller is known and has the permission.
void large_body_take(struct exchange *exchange, void (*came)(struct exchange *exchange));
