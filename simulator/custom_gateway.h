// custom_gateway: the customer's end of Nexus' webhooks. Verifies signatures, answers with a
// messageId, sends receipts, counts what it was sent twice or out of order, and misbehaves as its
// channel's knobs say.
#pragma once

struct simulator;
struct custom_gateway;

struct custom_gateway *custom_gateway_new(struct simulator *simulator);
// Webhooks whose answer is still due get it now: who sent them would send again what was taken. Memory goes with the
// loop's round.
void custom_gateway_drain(struct custom_gateway *gateway);
void custom_gateway_free(struct custom_gateway **gateway);
