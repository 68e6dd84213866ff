// custom_gateway: the customer's end of Nexus' webhooks. Verifies signatures, answers with a
// messageId, sends receipts, counts messages that came twice or out of order, and fails as its
// channel's knobs say.
#pragma once

struct simulator;
struct custom_gateway;

struct custom_gateway *custom_gateway_new(struct simulator *simulator);
// Delayed answers are sent now, because their senders would repeat accepted messages. Their memory
// is freed when the loop has closed their timers.
void custom_gateway_drain(struct custom_gateway *gateway);
void custom_gateway_free(struct custom_gateway **gateway);
