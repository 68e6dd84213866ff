// NEXUS_FAILPOINTS of any content: read or refused.
#include "fuzz.h"

#include "base/failpoint.h"
#include "base/log.h"

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
