// ready: tells whoever supervises us that we are ready, in the way it asked for: a newline on descriptor 3 where one was
// open at the start (s6), and "READY=1" to the socket that NOTIFY_SOCKET names (systemd).
#pragma once

// Asked before anything is opened: afterwards the number 3 may be one of ours. -1: there is none.
int ready_descriptor(void);
// Never waits and never fails: where nobody listens, nobody is waiting for us.
void ready_say(int descriptor);
