// secrecy: see the header.
#include "process/secrecy.h"

#include "process/failpoint.h"

#include <sys/prctl.h>
#include <sys/resource.h>

void secrecy_begin(void)
{
    if (failpoint("process.readable"))
        return;
    // Neither call can fail for a process that only gives up rights of its own.
    (void)!setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    (void)!prctl(PR_SET_DUMPABLE, 0);
}
