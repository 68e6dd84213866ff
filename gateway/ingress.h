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

// Asks again who calls and whether they may, of an exchange whose body took its time: the right to send it may have ended
// meanwhile. done runs once, inside this call or later; err: they may not, or nobody can be asked.
void ingress_ask_again(struct exchange *exchange,
                       void (*done)(void *context, const struct err *err), void *context);

// For whoever asks principals_find() by himself: where the request comes from, and the answer to
// one whose caller is not known, or must wait.
void ingress_address(const struct exchange *exchange, uint8_t address[static ADDRESS_BYTES]);
void ingress_refuse(struct exchange *exchange, const struct principal_wait *wait,
                    const struct err *err);
