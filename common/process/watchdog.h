// watchdog: aborts the process when its loop has not ticked for 10 s, so that a wedged process is
// restarted. It leaves no core (process/secrecy.h). A process that was stopped (SIGSTOP) is forgiven.
#pragma once

void watchdog_start(void);
void watchdog_feed(void); // at least once a second
void watchdog_stop(void);
