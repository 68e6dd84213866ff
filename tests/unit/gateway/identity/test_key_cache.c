#include "gateway/identity/key_cache.h"

#include "rows.h"

static const struct caller somebody = {
    .principal = {.tenant = 7, .key = 3, .name = STR_INIT("Somebody")},
    .ccid = STR_INIT("c"),
    .capacity = 120,
    .frequency_s = 60,
};

static struct key_cache *cache;

static void cache_make(void)
{
    cache = key_cache_new(10);
}

static void cache_drop(void)
{
    key_cache_free(&cache);
}

TestSuite(key_cache, .init = cache_make, .fini = cache_drop);

static enum key_state state_at(int64_t now_ms)
{
    struct caller *caller;

    return key_cache_find(cache, STR("id"), now_ms, &caller);
}

Test(key_cache, knows_nothing_at_first)
{
    cr_assert(eq(int, state_at(0), KEY_UNKNOWN));
}

static const struct age_row {
    int64_t age_ms;
    enum key_state state;
} age_rows[] = {
    {0, KEY_FRESH},      {44999, KEY_FRESH},   {45000, KEY_AGEING},
    {59999, KEY_AGEING}, {60000, KEY_UNKNOWN},
};

ROWS_TEST(key_cache, uses_a_key_for_a_minute, age_rows)
{
    struct key_cache *own = key_cache_new(10);
    struct caller *caller;

    key_cache_learn(own, STR("id"), &somebody, INT64_MAX, 1000);
    cr_assert(eq(int, key_cache_find(own, STR("id"), 1000 + row->age_ms, &caller), row->state));
    key_cache_free(&own);
}

Test(key_cache, keeps_copies_of_its_entries)
{
    struct caller *caller = NULL;
    char name[] = "Somebody";
    struct caller given = somebody;

    given.principal.name = str_of(name);
    key_cache_learn(cache, STR("id"), &given, INT64_MAX, 0);
    name[0] = 'X';

    cr_assert(eq(int, key_cache_find(cache, STR("id"), 1, &caller), KEY_FRESH));
    cr_assert(eq(u32, caller->principal.tenant, 7));
    cr_assert(str_equal(caller->principal.name, STR("Somebody")));
    cr_assert(str_equal(caller->ccid, STR("c")));
}

Test(key_cache, forgets_a_key_when_the_key_expires)
{
    key_cache_learn(cache, STR("id"), &somebody, 10000, 0);

    cr_assert(eq(int, state_at(9999), KEY_FRESH));
    cr_assert(eq(int, state_at(10000), KEY_UNKNOWN));
}

Test(key_cache, remembers_a_refusal_for_five_seconds)
{
    key_cache_refuse(cache, STR("id"), 0);

    cr_assert(eq(int, state_at(4999), KEY_REFUSED));
    cr_assert(eq(int, state_at(5000), KEY_UNKNOWN));
}

Test(key_cache, refuses_at_once_a_key_that_was_valid_a_moment_ago)
{
    key_cache_learn(cache, STR("id"), &somebody, INT64_MAX, 0);
    key_cache_refuse(cache, STR("id"), 1);

    cr_assert(eq(int, state_at(2), KEY_REFUSED));
    cr_assert(eq(sz, key_cache_count(cache), 1));
}

Test(key_cache, retries_an_unanswered_look_up_once_a_second_until_the_key_is_a_minute_old)
{
    key_cache_learn(cache, STR("id"), &somebody, INT64_MAX, 0);

    key_cache_keep_stale(cache, STR("id"), 46000);
    cr_assert(eq(int, state_at(46999), KEY_FRESH));
    cr_assert(eq(int, state_at(47000), KEY_AGEING));
    key_cache_keep_stale(cache, STR("id"), 59500);
    cr_assert(eq(int, state_at(59999), KEY_FRESH));
    cr_assert(eq(int, state_at(60000), KEY_UNKNOWN));
}

Test(key_cache, forgets_the_callers_of_one_tenant_and_all_refused_keys)
{
    struct caller other = somebody;

    other.principal.tenant = 8;
    key_cache_learn(cache, STR("id"), &somebody, INT64_MAX, 0);
    key_cache_learn(cache, STR("other"), &other, INT64_MAX, 0);
    key_cache_refuse(cache, STR("wrong"), 0);
    key_cache_forget(cache, 7);

    struct caller *caller;
    cr_assert(eq(int, state_at(1), KEY_UNKNOWN));
    cr_assert(eq(int, key_cache_find(cache, STR("wrong"), 1, &caller), KEY_UNKNOWN));
    cr_assert(eq(int, key_cache_find(cache, STR("other"), 1, &caller), KEY_FRESH));
    key_cache_forget_all(cache);
    cr_assert(eq(int, key_cache_find(cache, STR("other"), 1, &caller), KEY_UNKNOWN));
}

Test(key_cache, drops_the_least_recently_used_key_when_it_is_full)
{
    struct caller *caller;
    char id[] = "0";

    for (id[0] = 'a'; id[0] < 'a' + 10; id[0]++)
        key_cache_learn(cache, str_of(id), &somebody, INT64_MAX, 0);
    cr_assert(eq(int, key_cache_find(cache, STR("a"), 1, &caller), KEY_FRESH)); // used again
    key_cache_learn(cache, STR("z"), &somebody, INT64_MAX, 2);

    cr_assert(eq(sz, key_cache_count(cache), 10));
    cr_assert(eq(int, key_cache_find(cache, STR("a"), 3, &caller), KEY_FRESH));
    cr_assert(eq(int, key_cache_find(cache, STR("b"), 3, &caller), KEY_UNKNOWN));
}

Test(key_cache, keeps_valid_keys_during_a_flood_of_wrong_ones)
{
    char id[16];

    key_cache_learn(cache, STR("id"), &somebody, INT64_MAX, 0);
    for (int i = 0; i < 1000; i++)
        key_cache_refuse(cache, str_make(id, (size_t)snprintf(id, sizeof id, "w%d", i)), 1);

    cr_assert(eq(int, state_at(2), KEY_FRESH));
    cr_assert(eq(sz, key_cache_count(cache), 11));
}
