// trace: the W3C trace context of a request (traceparent, version 00).
#pragma once

#include "base/arena.h"
#include "base/random.h"
#include "base/str.h"

// The caller's traceparent where it is well-formed, else a new one in the arena.
struct str trace_parent(struct str given, struct random *random, struct arena *arena);
