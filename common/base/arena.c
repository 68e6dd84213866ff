// arena: a chain of blocks; the newest is filled from the front. A reset keeps one block so that an
// arena that serves request after request stops calling malloc.
#include "base/arena.h"
#include "base/heap.h"

#include "base/panic.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { BLOCK_BYTES = 4096 - 64 };

struct block {
    struct block *next;
    size_t size;
    size_t used;
    alignas(max_align_t) char bytes[];
};

struct arena {
    struct block *newest;
};

static struct block *block_new(size_t size, struct block *next)
{
    struct block *block = heap_raw(sizeof *block + size);
    *block = (struct block){.next = next, .size = size};
    return block;
}

struct arena *arena_new(void)
{
    struct arena *arena = heap_raw(sizeof *arena);
    arena->newest = block_new(BLOCK_BYTES, NULL);
    return arena;
}

void arena_reset(struct arena *arena)
{
    while (arena->newest->next) {
        struct block *next = arena->newest->next;
        free(arena->newest);
        arena->newest = next;
    }
    arena->newest->used = 0;
}

void arena_free(struct arena **arena)
{
    if (!*arena)
        return;
    arena_reset(*arena);
    free((*arena)->newest);
    free(*arena);
    *arena = NULL;
}

static void *arena_take(struct arena *arena, size_t size)
{
    size_t rounded = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    struct block *block = arena->newest;

    ASSERT(rounded >= size);
    if (block->size - block->used < rounded) {
        block = block_new(rounded > BLOCK_BYTES ? rounded : BLOCK_BYTES, block);
        arena->newest = block;
    }
    void *taken = block->bytes + block->used;
    block->used += rounded;
    return taken;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    return memset(arena_take(arena, size), 0, size);
}

struct str arena_copy(struct arena *arena, struct str text)
{
    if (!str_present(text))
        return STR_ABSENT;
    char *copy = arena_take(arena, text.len + 1);
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return str_make(copy, text.len);
}

const char *arena_c_string(struct arena *arena, struct str text)
{
    return str_present(text) ? arena_copy(arena, text).ptr : "";
}

struct str arena_printf(struct arena *arena, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    ASSERT(length >= 0);
    char *text = arena_take(arena, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    va_end(arguments);
    return str_make(text, (size_t)length);
}
