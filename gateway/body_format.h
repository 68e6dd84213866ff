// body_format: what a request's headers say of its body.
#pragma once

#include "wire/body_scan.h"

struct exchange;

enum body_encoding { ENCODING_NONE, ENCODING_GZIP, ENCODING_UNKNOWN };

enum body_encoding body_encoding(const struct exchange *exchange);
// Which contents are taken out of it while it comes.
enum body_scan_format body_format(const struct exchange *exchange);
