// secrecy: what a process holds in memory, keys and texts among it, does not get out of it by the
// kernel's hand: no core file, nobody of the same user attaches or reads its /proc/…/mem, environ
// and fd. Root still may. The failpoint "process.readable" leaves the process as it was, for tests
// that look into it.
#pragma once

void secrecy_begin(void);
