// inflate: request bodies that came compressed. The only file that knows zlib.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stddef.h>

// encoding: the value of Content-Encoding, absent for none. gzip and deflate are read (deflate with zlib's
// frame, as RFC 9110 has it, or without, as some send it); then *body points into plain. More than limit
// bytes are refused while they come out, whatever the compressed body promises.
// ERR_UNSUPPORTED_MEDIA: another encoding; ERR_BAD_REQUEST: not what it is declared to be, or
// cut off; ERR_TOO_LARGE.
MUST_USE bool inflate_body(struct str encoding, size_t limit, struct str *body, struct buf *plain,
                           struct err *err);
