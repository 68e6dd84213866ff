// provider_async: the customer's own gateway. One signed POST a message to the
// channel's webhook:
//
//   {"messages":[{"id","type":"sms","from","to","conversationId"?,"sequence"?,"text","content"?}]}
//
// Its answer may hold "messageId", under which its receipts will come. sequence is the message's
// place in its conversation, where the consumer's own messages count as well.
#pragma once

#include "sms-worker/providers/provider.h"

extern const struct provider provider_async;
