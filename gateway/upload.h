// upload: what goes to sms-worker ahead of the message that names it, in pieces (large_body.h): the calls about it, and what
// becomes of it when its exchange is answered.
//
//   accepted, or known already   the message has made its contents its own; the copy of a signed body is dropped
//   refused (4xx)                both are dropped
//   503, or no answer            nobody knows whether the message is committed, or will be: upkeep drops what no message
//                                has named after 15 minutes, and so it does when a gateway dies here
//
// No drop takes what a message has made its own.
#pragma once

#include "base/err.h"
#include "base/id.h"
#include "bus/bus_gateway.h"
#include "wire/message.h"

struct exchange;

// One call for this exchange about one of its uploads; they all go to one worker.
void upload_call(struct exchange *exchange, struct id upload, enum message_id message,
                 const void *fields, bus_reply_fn *replied, void *context);
void upload_drop(struct exchange *exchange, struct id upload); // none: nothing
// Before the exchange is answered with that code.
void upload_settle(struct exchange *exchange, enum err_code code);
