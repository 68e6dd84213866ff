// custom_gateway: the customer's end of Nexus' webhooks. Verifies signatures, answers with a
// messageId, sends receipts, counts what it was sent twice or out of order, and misbehaves as its
// channel's knobs say.
#pragma once

struct simulator;
struct custom_gateway;

struct custom_gateway *custom_gateway_new(struct simulator *simulator);
// Ends the connections of webhooks whose answer is still due; memory goes with the loop's round.
void custom_gateway_drain(struct custom_gateway *gateway);
void custom_gateway_free(struct custom_gateway **gateway);
