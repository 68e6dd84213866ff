// openapi: the description of the API, which docs/openapi made when this program was built. Every
// caller gets the same bytes, plain or compressed, or 304.
#pragma once

#include "base/str.h"

struct exchange;

struct openapi_document {
    struct str plain, compressed; // the JSON, and the same in gzip
    struct str etag;              // of plain
};

extern const struct openapi_document openapi_document;

// For the route table.
void openapi_open(struct exchange *exchange);
