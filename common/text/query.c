// query: see the header.
#include "text/query.h"

#include "base/buf.h"
#include "base/panic.h"

bool percent_decode(struct str escaped, bool plus_is_blank, struct arena *arena, struct str *plain)
{
    size_t room = escaped.len + 1;
    struct buf decoded = {.data = arena_alloc(arena, room), .capacity = room};

    if (!buf_percent_decode(&decoded, escaped, plus_is_blank))
        return false;
    ASSERT(decoded.capacity == room); // it only becomes shorter, so the memory is the arena's
    *plain = buf_str(&decoded);
    return true;
}

bool query_cut(struct str *query, struct query_pair *pair)
{
    struct str first;

    if (query->len == 0)
        return false;
    str_cut(*query, '&', &first, query);
    str_cut(first, '=', &pair->name, &pair->value);
    return true;
}

bool query_decode(struct query_pair *pair, struct arena *arena)
{
    return percent_decode(pair->name, true, arena, &pair->name) &&
           percent_decode(pair->value, true, arena, &pair->value);
}

struct str query_find(struct str query, struct str name, struct arena *arena)
{
    struct query_pair pair;
    struct str plain;

    while (query_cut(&query, &pair))
        if (str_present(pair.value) && str_equal(pair.name, name) &&
            percent_decode(pair.value, true, arena, &plain))
            return plain;
    return STR_ABSENT;
}
