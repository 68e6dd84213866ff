// ready: tells the supervisor that this process is ready, in the way that it asked for: a newline
// on descriptor 3 where one was open at the start (s6), and "READY=1" to the socket that
// NOTIFY_SOCKET names (systemd).
#pragma once

// Call it before anything is opened: later, descriptor 3 may be one of ours. -1: there is none.
int ready_descriptor(void);
// Never waits and never fails: without a listener no supervisor is waiting.
void ready_say(int descriptor);
