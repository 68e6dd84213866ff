// gunzip: decompresses Content-Encoding gzip and deflate while the bytes come, and compresses whole
// texts with gzip. Only this file uses zlib.
//
//   gunzip_feed(gunzip, bytes, give, context, &err) … gunzip_end(gunzip, &err)
//
// give() gets the output, at most GUNZIP_PIECE_BYTES at a time. It must limit the total, because a
// few bytes can become very many: it returns false to stop, with the reason in err.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

enum { GUNZIP_PIECE_BYTES = 8 * 1024 };

struct gunzip;
typedef bool gunzip_give_fn(void *context, struct str bytes, struct err *err);

// The header shows whether it is gzip or zlib. is_deflate: there may be no header, as some programs
// send deflate.
struct gunzip *gunzip_new(bool is_deflate);
void gunzip_free(struct gunzip **gunzip);
MUST_USE bool gunzip_feed(struct gunzip *gunzip, struct str bytes, gunzip_give_fn *give,
                          void *context, struct err *err);
MUST_USE bool gunzip_end(const struct gunzip *gunzip, struct err *err); // was it whole?

void gzip(struct str bytes, struct buf *out); // appends
