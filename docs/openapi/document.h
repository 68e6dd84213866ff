// document: the description of the API in OpenAPI 3.1, made of the tables that the programs are made
// of: gateway/routes.def, wire/messages/*.def, base/errors.def, and of those that only describe:
// replies/*.def, own_answers.def, examples.def.
//
// Beside what the standard has, each operation says under "x-nexus" what its row says: route,
// message, credentials, the permissions any one of which is enough, whose data it concerns, and
// whether the key's rate applies.
//
// What a browser navigates to (pages, log-in) stands in the same form under "x-pages", because it is
// no part of the API. "webhooks" holds what Nexus sends.
#pragma once

#include "base/buf.h"

void document_write(struct buf *out);
