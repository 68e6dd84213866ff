// secrecy: see the header.
#include "base/secrecy.h"

#include "base/failpoint.h"

#include <sys/prctl.h>
#include <sys/resource.h>

void secrecy_begin(void)
{
    if (failpoint("process.readable"))
        return;
    // Neither can be refused to a process that takes something from itself.
    (void)!setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    (void)!prctl(PR_SET_DUMPABLE, 0);
}
