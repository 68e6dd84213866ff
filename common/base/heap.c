// heap: see the header.
#include "base/heap.h"

#include "base/panic.h"

#include <stdlib.h>

static void *there(void *memory, size_t bytes)
{
    if (!memory)
        panic("out of memory: %zu bytes", bytes);
    return memory;
}

void *heap_new(size_t bytes)
{
    return there(calloc(1, bytes), bytes);
}

void *heap_array(size_t count, size_t bytes)
{
    return there(calloc(count, bytes), count * bytes);
}

void *heap_raw(size_t bytes)
{
    return there(malloc(bytes), bytes);
}

void *heap_resize(void *memory, size_t bytes)
{
    return there(realloc(memory, bytes), bytes);
}
