// The Accept header of a scrape.
#include "fuzz.h"

#include "metrics-agent/exposition.h"

FUZZ(bytes)
{
    enum exposition_format format = exposition_accepted(bytes);

    ASSERT(format == EXPOSITION_TEXT || format == EXPOSITION_OPENMETRICS);
    // Nobody gets OpenMetrics who did not name it.
    ASSERT(format == EXPOSITION_TEXT || memmem(bytes.ptr, bytes.len, "/", 1) != NULL);
}
