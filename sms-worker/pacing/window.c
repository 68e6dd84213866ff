#include "sms-worker/pacing/window.h"

enum { WINDOW_START = 5 };

void window_init(struct window *window, unsigned maximum)
{
    window->maximum = maximum;
    window->size = maximum < WINDOW_START ? maximum : WINDOW_START;
}

unsigned window_limit(const struct window *window)
{
    return (unsigned)window->size;
}

void window_success(struct window *window)
{
    window->size += 1 / window->size;
    if (window->size > window->maximum)
        window->size = window->maximum;
}

void window_connect_failure(struct window *window)
{
    window->size /= 2;
    if (window->size < 1)
        window->size = 1;
}
