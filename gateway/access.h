// access: identifies the caller of a request and checks its permission.
//
//   access_identify()  →  access_allows()  →  …  →  access_ask_again(), if the body took long
#pragma once

#include "gateway/gateway.h"

#include "io/tcp/address.h"

// caller is valid inside the callback; NULL with err.
typedef void caller_fn(void *context, struct caller *caller, const struct err *err);

// Reads the credentials of the request, of that kind, and finds out who owns them
// (identity/principal.h). done runs once, inside this call or later. The credentials stay in the
// exchange. For a route whose contact center is NAMED, x-ccid goes to exchange->ccid, and the
// caller is looked up without it.
void access_identify(struct exchange *exchange, enum route_credentials kind, caller_fn *done,
                     void *context);

// May the caller use the exchange's route for this contact center?
MUST_USE bool access_allows(const struct exchange *exchange, const struct caller *caller,
                            struct err *err);

// Identifies the caller and checks the permission again, after a body that took long: the
// permission may have been withdrawn meanwhile. done runs once, inside this call or later; err: not
// allowed, or no worker can tell.
void access_ask_again(struct exchange *exchange, void (*done)(void *context, const struct err *err),
                      void *context);

// The answer to a request whose caller is unknown, or must wait.
void access_refuse(struct exchange *exchange, const struct err *err);

// Where the request comes from (identity/client_address.h).
void access_address(const struct exchange *exchange, uint8_t address[static ADDRESS_BYTES]);
