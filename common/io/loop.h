// loop: what every adapter of common/io needs to know about libuv, and the orderly end of a loop.
#pragma once

#include <uv.h>

// Runs the loop until all handles that were closed are gone, then closes it. Panics when something
// is still open: a handle that nobody closed is a defect (it would keep the process alive or leak).
void loop_close(uv_loop_t *loop);
