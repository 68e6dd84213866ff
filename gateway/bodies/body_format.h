// body_format: what a request's headers say about its body.
#pragma once

#include "base/err.h"
#include "wire/body/body_scan.h"

#include <stdint.h>

struct exchange;

enum body_encoding { ENCODING_NONE, ENCODING_GZIP, ENCODING_DEFLATE, ENCODING_UNKNOWN };

enum body_encoding body_encoding(const struct exchange *exchange);
// Which contents are taken out of it while it arrives.
enum body_scan_format body_format(const struct exchange *exchange);
// How long it may be, inflated; and the error of one that is longer.
int64_t body_limit(const struct exchange *exchange);
bool body_too_large(int64_t limit, struct err *err); // returns false
