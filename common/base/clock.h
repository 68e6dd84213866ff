// clock: the two times. Monotonic milliseconds are for deadlines and intervals inside one process;
// wall microseconds are for what people and PostgreSQL read. Leases and due times use neither but
// PostgreSQL's clock. The deciding parts (credit, batcher, retry, breaker…) take `now` as a
// parameter.
#pragma once

#include <stdint.h>

int64_t clock_monotonic_ms(void);
int64_t clock_monotonic_us(void);
int64_t clock_unix_us(void);
