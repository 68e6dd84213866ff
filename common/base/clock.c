// clock: clock_gettime under two names.
#include "base/clock.h"

#include <time.h>

static int64_t microseconds(clockid_t which)
{
    struct timespec now;
    clock_gettime(which, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_monotonic_ms(void)
{
    return microseconds(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_monotonic_us(void)
{
    return microseconds(CLOCK_MONOTONIC);
}

int64_t clock_boot_ms(void)
{
    return microseconds(CLOCK_BOOTTIME) / 1000;
}

int64_t clock_unix_us(void)
{
    return microseconds(CLOCK_REALTIME);
}
