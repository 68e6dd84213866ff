// requests: what an operation takes.
#pragma once

#include "base/buf.h"
#include "gateway/route.h"

// The name of the operation: SMS_MESSAGE → smsMessage.
void request_operation(struct buf *out, const struct route *route);
// "parameters": […]
void request_parameters(struct buf *out, const struct route *route);
// "requestBody": {…}; nothing where there is none.
void request_body(struct buf *out, const struct route *route);
// The members of "components": {"schemas": …} that request_body() refers to.
void request_schemas(struct buf *out, const struct route *route);
// The value of "components": {"parameters": …}.
void request_shared_parameters(struct buf *out);
