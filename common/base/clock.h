// clock: the two times. Monotonic milliseconds are for deadlines and intervals inside one process;
// wall microseconds are for what people and PostgreSQL read. Leases and due times use neither but
// PostgreSQL's clock. Both monotonic clocks run on while a process is stopped; only clock_boot_ms()
// also counts what a suspended machine slept, and is for what must not be believed after a sleep.
// The deciding parts (credit, batcher, retry, breaker…) take `now` as a parameter.
#pragma once

#include <stdint.h>

int64_t clock_monotonic_ms(void);
int64_t clock_monotonic_us(void);
int64_t clock_boot_ms(void);
int64_t clock_unix_us(void);
