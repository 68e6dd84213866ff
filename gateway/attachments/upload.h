// upload: contents that are sent to sms-worker in pieces before the message that refers to them
// (large_body.h): the calls, and what happens to the upload when its exchange is answered.
//
//   accepted, or known already   the contents belong to the message; the copy of a signed body is
//                                dropped
//   refused (4xx)                both are dropped
//   5xx, or no answer            it is unknown whether the message is or will be committed: after
//                                15 minutes, upkeep drops uploads that no message refers to, also
//                                when a gateway crashes here
//
// Contents that belong to a message are never dropped.
#pragma once

#include "base/err.h"
#include "base/id.h"
#include "bus/gateway/bus_gateway.h"
#include "wire/message.h"

struct exchange;

// One call for this exchange about one of its uploads; they all go to one worker.
void upload_call(struct exchange *exchange, struct id upload, enum message_id message,
                 const void *fields, bus_reply_fn *replied, void *context);
void upload_drop(struct exchange *exchange, struct id upload); // none: nothing
// Before the exchange is answered with that code.
void upload_settle(struct exchange *exchange, enum err_code code);
