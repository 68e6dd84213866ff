// secrecy: keeps the kernel from exposing a process' memory, which holds keys and texts: no core
// file, and no other process of the same user may attach or read its /proc/…/mem, environ and fd.
// Root still may. The failpoint "process.readable" leaves the process as it was, for tests that
// look into it.
#pragma once

void secrecy_begin(void);
