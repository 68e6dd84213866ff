// NEXUS_FAILPOINTS of any content is read or refused.
#include "tests/fuzz/fuzz.h"

#include "process/failpoint.h"
#include "telemetry/log.h"

FUZZ(bytes)
{
    char rules[256];
    struct err err;

    if (bytes.len >= sizeof rules)
        return;
    memcpy(rules, bytes.ptr, bytes.len);
    rules[bytes.len] = '\0';
    log_set_level(LOG_LEVEL_ERROR);
    setenv("NEXUS_FAILPOINTS", rules, 1);
    (void)!failpoints_init(&err);
}
