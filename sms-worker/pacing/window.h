// window: how many transfers to one destination may be in flight at once. It grows by one for each
// window of successes and is halved when a connection fails (additive increase, multiplicative
// decrease).
#pragma once

#include <stdbool.h>

struct window {
    double size;
    unsigned maximum;
};

void window_init(struct window *window, unsigned maximum);
unsigned window_limit(const struct window *window); // at least 1
void window_success(struct window *window);
void window_connect_failure(struct window *window);
