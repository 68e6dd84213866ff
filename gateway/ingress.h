// ingress: the way of a request through the gateway, from http_server to the bus and back.
#pragma once

#include "io/address.h"

#include <stdint.h>

struct err;
struct exchange;
struct http_request;
struct principal_wait;

// http_server's handle; context is the struct gateway.
void ingress_begin(void *context, struct http_request *request);

// Sends what was asked to its worker. The caller is known and may, and the whole body is there.
void ingress_send(struct exchange *exchange);

// For whoever asks principals_find() by himself: where the request comes from, and the answer to
// one whose caller is not known, or must wait.
void ingress_address(const struct exchange *exchange, uint8_t address[static ADDRESS_BYTES]);
void ingress_refuse(struct exchange *exchange, const struct principal_wait *wait,
                    const struct err *err);
