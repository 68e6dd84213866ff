// gunzip: undoes Content-Encoding gzip and deflate while the bytes come, and makes gzip of what is there as a whole.
// The only file that knows zlib.
//
//   gunzip_feed(gunzip, bytes, give, context, &err) … gunzip_end(gunzip, &err)
//
// give() gets what comes out, at most GUNZIP_PIECE_BYTES at a time, and bounds it: a few bytes can
// become very many. It says false to stop, with the reason in err.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

enum { GUNZIP_PIECE_BYTES = 8 * 1024 };

struct gunzip;
typedef bool gunzip_give_fn(void *context, struct str bytes, struct err *err);

// gzip's frame and zlib's are told apart by themselves. is_deflate: there may also be none, as some send deflate.
struct gunzip *gunzip_new(bool is_deflate);
void gunzip_free(struct gunzip **gunzip);
MUST_USE bool gunzip_feed(struct gunzip *gunzip, struct str bytes, gunzip_give_fn *give,
                          void *context, struct err *err);
MUST_USE bool gunzip_end(const struct gunzip *gunzip, struct err *err); // was it whole?

void gzip(struct str bytes, struct buf *out); // appends
