// The Accept header of a scrape.
#include "tests/fuzz/fuzz.h"

#include "metrics-agent/exposition.h"

FUZZ(bytes)
{
    enum exposition_format format = exposition_accepted(bytes);

    ASSERT(format == EXPOSITION_TEXT || format == EXPOSITION_OPENMETRICS);
    // OpenMetrics is only for clients that name it.
    ASSERT(format == EXPOSITION_TEXT || memmem(bytes.ptr, bytes.len, "/", 1) != NULL);
}
