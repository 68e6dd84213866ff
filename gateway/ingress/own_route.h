// own_route: the routes that the gateway answers itself, and the function of each.
#pragma once

struct exchange;

// For a route that is own (route.h), once it is known that the caller may.
void own_route_open(struct exchange *exchange);
