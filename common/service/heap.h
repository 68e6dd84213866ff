// heap: how malloc's memory is spread. Asked once in a while: malloc_info() looks at every free
// block under the lock of its arena.
#pragma once

enum heap_space {
    HEAP_MAIN,   // the arena of the first thread, which is the loop's
    HEAP_THREAD, // arenas of threads that libraries have
    HEAP_MMAP,   // large blocks, each mapped for itself
    HEAP_SPACES
};

struct heap {
    struct {
        double total_bytes, free_bytes; // what threads keep at hand for themselves counts as used
    } spaces[HEAP_SPACES];
};

struct heap heap_read(void);
