// webhooks: what Nexus sends, as the "webhooks" of OpenAPI 3.1.
#pragma once

#include "base/buf.h"

// The value of "webhooks".
void webhooks_write(struct buf *out);
