// The pairs of a query, one after the other, and a value by its name.
#include "base/arena.h"
#include "text/query.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static struct arena *arena;

static void set_up(void)
{
    arena = arena_new();
}

static void tear_down(void)
{
    arena_free(&arena);
}

TestSuite(query, .init = set_up, .fini = tear_down);

Test(query, is_cut_into_its_pairs)
{
    struct str query = STR("a=1&b&&=x&c=2=3&");
    static const struct {
        const char *name, *value; // NULL: absent
    } wanted[] = {{"a", "1"}, {"b", NULL}, {"", NULL}, {"", "x"}, {"c", "2=3"}};
    struct query_pair pair;

    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        cr_assert(query_cut(&query, &pair));
        cr_assert(str_equal(pair.name, str_of(wanted[i].name)));
        cr_assert(eq(int, str_present(pair.value), wanted[i].value != NULL));
        if (wanted[i].value)
            cr_assert(str_equal(pair.value, str_of(wanted[i].value)));
    }
    cr_assert(not(query_cut(&query, &pair)));
    query = STR_ABSENT;
    cr_assert(not(query_cut(&query, &pair)));
}

Test(query, is_decoded)
{
    struct query_pair pair = {.name = STR("a%20b"), .value = STR("%2B1+2%00")};

    cr_assert(query_decode(&pair, arena));
    cr_assert(str_equal(pair.name, STR("a b")));
    cr_assert(str_equal(pair.value, str_make("+1 2\0", 5)));
    pair = (struct query_pair){.name = STR("a"), .value = STR_ABSENT};
    cr_assert(query_decode(&pair, arena));
    cr_assert(eq(sz, pair.value.len, 0));
    pair = (struct query_pair){.name = STR("a"), .value = STR("%2")};
    cr_assert(not(query_decode(&pair, arena)));
}

Test(query, has_a_value_by_its_name)
{
    struct str query = STR("state&state=%zz&code=a%26b&state=1+2&state=3");

    cr_assert(str_equal(query_find(query, STR("state"), arena), STR("1 2")));
    cr_assert(str_equal(query_find(query, STR("code"), arena), STR("a&b")));
    cr_assert(not(str_present(query_find(query, STR("cod"), arena))));
    cr_assert(not(str_present(query_find(STR_ABSENT, STR("code"), arena))));
}

Test(query, a_segment_of_a_path_keeps_its_plus)
{
    struct str plain;

    cr_assert(percent_decode(STR("+1%2F2"), false, arena, &plain));
    cr_assert(str_equal(plain, STR("+1/2")));
    cr_assert(not(percent_decode(STR("%"), false, arena, &plain)));
}
