// endpoints: which addresses a list of gateways stands for right now.
//
//   ipc:///run/nexus/bus.gateway-*.sock   every socket file that matches
//   tcp://gateways.example:5556           every address the name has
//
// endpoints_look() reports each address, as libzmq wants it, to found(): socket files before it
// returns, names when they are resolved.
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <uv.h>

enum { ENDPOINT_LIMIT = 256 }; // bytes of an address

struct endpoints;
typedef void endpoint_found_fn(void *context, const char *address);

// NULL when the list is empty or holds something else.
struct endpoints *endpoints_new(uv_loop_t *loop, struct str list, endpoint_found_fn *found,
                                void *context, struct err *err);
void endpoints_free(struct endpoints **endpoints); // found() does not run again
void endpoints_look(struct endpoints *endpoints);
