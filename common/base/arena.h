// arena: memory that is freed all at once, when the thing it serves is over.
//
//   struct arena *arena = arena_new();
//   struct plan *plan = ARENA_ALLOC(arena, struct plan);      zeroed
//   arena_reset(arena);                                       keeps the first block for the next
//   use arena_free(&arena);
//
// Allocation cannot fail: out of memory aborts, and input cannot cause it because every size that a
// stranger chooses has a declared limit that is checked before (base/panic.h, wire/message.h).
#pragma once

#include "base/attributes.h"
#include "base/str.h"

#include <stddef.h>

struct arena;

struct arena *arena_new(void);
void arena_reset(struct arena *arena);
void arena_free(struct arena **arena);

// Zeroed, aligned for any type. Never NULL.
void *arena_alloc(struct arena *arena, size_t size);
// A copy that ends in a NUL (not counted in len).
struct str arena_copy(struct arena *arena, struct str text);
// As arena_copy, for the C strings that foreign libraries want.
const char *arena_c_string(struct arena *arena, struct str text);
struct str arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);

#define ARENA_ALLOC(arena, type)        ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_alloc((arena), sizeof(type) * (count)))
