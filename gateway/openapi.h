// openapi: the description of the API in OpenAPI 3.1, made of the tables that the gateway serves
// by: routes.def, wire/messages/*.def, wire/replies/*.def, own_answers.def, errors.def.
//
// Beside what the standard has, each operation says under "x-nexus" what its row says: route,
// message, credentials, the permissions any one of which is enough, whose data it concerns, and
// whether the key's rate applies.
//
// What a browser navigates to (pages, log-in) stands in the same form under "x-pages", because it is
// no part of the API. "webhooks" holds what Nexus sends. Examples come from openapi_examples.def.
#pragma once

#include "base/buf.h"

struct exchange;
struct openapi;

void openapi_write(struct buf *out);

// The document as it is served: written once, since it does not change while a gateway runs.
struct openapi *openapi_new(void);
void openapi_free(struct openapi **openapi);
// For the route table.
void openapi_open(struct exchange *exchange);
