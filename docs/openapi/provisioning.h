// provisioning: JSON Schemas of what can be provisioned: each service of services.def and
// each kind of section of transactions.def.
#pragma once

#include "base/buf.h"
#include "gateway/route.h"

// The members "service.<name>" and "section.<transaction>.<kind>" of "components": {"schemas": …}.
void provisioning_schemas(struct buf *out);
// Writes the schema of the route's body, if the route takes services or sections.
bool provisioning_body(struct buf *out, const struct route *route);
