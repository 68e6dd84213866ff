// answers: which answers an operation may give, and how they look.
#pragma once

#include "base/buf.h"
#include "gateway/route.h"

// Pages and redirections, to which a browser navigates: no part of the API for programs.
bool answers_are_for_browsers(const struct route *route);
// The value of an operation's "responses".
void answers_of_route(struct buf *out, const struct route *route);
// The value of "components": {"headers": …}.
void answers_headers(struct buf *out);
