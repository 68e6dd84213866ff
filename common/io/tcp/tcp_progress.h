// tcp_progress: how much of what was written to a connection the other side has taken.
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tcp_progress {
    uint64_t taken; // bytes acknowledged since the connection began
    size_t left;    // bytes with the kernel that are not
};

// False where the kernel does not say.
MUST_USE bool tcp_progress_read(int descriptor, struct tcp_progress *progress);
