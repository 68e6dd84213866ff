// Queries: the pairs together are not longer than the text, and a value that is found belongs to a pair.
#include "tests/fuzz/fuzz.h"

#include "base/arena.h"
#include "text/query.h"

FUZZ(text)
{
    struct arena *arena = arena_new();
    struct str query = text, first_name = STR_ABSENT, first_value = STR_ABSENT;
    struct query_pair pair;
    size_t sent = 0;

    while (query_cut(&query, &pair)) {
        struct query_pair plain = pair;
        sent += pair.name.len + pair.value.len;
        if (query_decode(&plain, arena)) {
            ASSERT(plain.name.len <= pair.name.len && plain.value.len <= pair.value.len);
            ASSERT(plain.value.ptr[plain.value.len] == '\0');
            if (!str_present(first_name) && str_present(pair.value)) {
                first_name = pair.name;
                first_value = plain.value;
            }
        }
    }
    ASSERT(sent <= text.len);
    ASSERT(!str_present(first_name) || str_equal(query_find(text, first_name, arena), first_value));
    arena_free(&arena);
}
