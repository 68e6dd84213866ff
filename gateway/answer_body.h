// answer_body: the bodies of answers, without I/O.
//
//   E1       {"status":{"code":0},"data":…,"operationId":…}            errors: code is the HTTP status
//   E2       {"operationId":…,"status":{"code":"SUCCESS"},"data":…}    errors: the symbolic code
//   E3       the data itself                                           errors as E2
//   problem  RFC 9457, application/problem+json
#pragma once

#include "gateway/route.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"

// data is JSON text; empty: null.
void body_render_data(struct buf *out, enum route_envelope envelope, struct str data,
                      struct id operation);
void body_render_error(struct buf *out, enum route_envelope envelope, enum err_code code,
                       struct str text, struct id operation);
void body_render_problem(struct buf *out, enum err_code code, struct str text, struct str path,
                         struct id operation);
