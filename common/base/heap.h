// heap: memory of the heap. When there is none left the process aborts (panic.h), and its
// supervisor starts it again. Memory from here is released with free(). A message's own memory
// comes from an arena (arena.h).
#pragma once

#include "base/attributes.h"

#include <stddef.h>

#define HEAP_SIZED(...)                                                                            \
    __attribute__((alloc_size(__VA_ARGS__), returns_nonnull, warn_unused_result))

// Zeroed.
void *heap_new(size_t bytes) HEAP_SIZED(1) __attribute__((malloc));
void *heap_array(size_t count, size_t bytes) HEAP_SIZED(1, 2) __attribute__((malloc));
// Not initialised.
void *heap_raw(size_t bytes) HEAP_SIZED(1) __attribute__((malloc));
// memory: NULL, or memory from one of these functions; it is no longer valid afterwards.
void *heap_resize(void *memory, size_t bytes) HEAP_SIZED(2);
