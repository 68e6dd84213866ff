#include "base/arena.h"

#include "rows.h"

#include <stdalign.h>

Test(arena, gives_zeroed_aligned_memory_that_does_not_overlap)
{
    struct arena *arena = arena_new();
    unsigned char *blocks[200];

    for (size_t i = 0; i < COUNT_OF(blocks); i++) {
        blocks[i] = arena_alloc(arena, i + 1);
        cr_assert(zero(sz, (uintptr_t)blocks[i] % alignof(max_align_t)));
        for (size_t at = 0; at <= i; at++)
            cr_assert(zero(u8, blocks[i][at]));
        memset(blocks[i], (int)i, i + 1);
    }

    for (size_t i = 0; i < COUNT_OF(blocks); i++)
        for (size_t at = 0; at <= i; at++)
            cr_assert(eq(u8, blocks[i][at], (unsigned char)i));
    arena_free(&arena);
    cr_assert(eq(ptr, arena, NULL));
}

Test(arena, gives_memory_larger_than_a_block)
{
    struct arena *arena = arena_new();

    char *large = arena_alloc(arena, 1 << 20);
    memset(large, 'x', 1 << 20);
    struct str after = arena_printf(arena, "%s %d", "apples", 3);

    cr_assert(str_equal(after, STR("apples 3")));
    cr_assert(eq(chr, large[(1 << 20) - 1], 'x'));
    arena_free(&arena);
}

Test(arena, zeroes_again_after_a_reset)
{
    struct arena *arena = arena_new();
    for (int round = 0; round < 3; round++) {
        unsigned char *bytes = arena_alloc(arena, 10000);
        for (size_t i = 0; i < 10000; i++)
            cr_assert(zero(u8, bytes[i]));
        memset(bytes, 0xFF, 10000);
        arena_reset(arena);
    }
    arena_free(&arena);
}

Test(arena, copies_end_in_a_nul_and_keep_absence)
{
    struct arena *arena = arena_new();

    struct str copy = arena_copy(arena, str_make("abcdef", 3));

    cr_assert(str_equal(copy, STR("abc")));
    cr_assert(eq(chr, copy.ptr[3], '\0'));
    cr_assert(not(str_present(arena_copy(arena, STR_ABSENT))));
    cr_assert(str_present(arena_copy(arena, STR(""))));
    cr_assert(eq(str, arena_c_string(arena, STR_ABSENT), ""));
    arena_free(&arena);
}

Test(arena, freeing_null_does_nothing)
{
    struct arena *arena = NULL;
    arena_free(&arena);
}
