#include "base/map.h"

#include "base/buf.h"
#include "base/random.h"
#include "rows.h"

enum { KEYS = 300 };

static struct str key_of(size_t number, char text[24])
{
    int length = snprintf(text, 24, "k%zu", number);
    return str_make(text, (size_t)length);
}

// Every operation is done on the map and on an array indexed by the key's number.
Test(map, behaves_like_an_array_of_its_keys)
{
    struct random random = {.state = 42};
    struct map *map = map_new();
    int values[KEYS];
    int *model[KEYS] = {0};
    size_t count = 0;
    char text[24];

    for (int step = 0; step < 100000; step++) {
        size_t number = random_below(&random, KEYS);
        struct str key = key_of(number, text);
        int *value = &values[random_below(&random, KEYS)];
        switch (random_below(&random, 3)) {
        case 0:
            cr_assert(eq(ptr, map_put(map, key, value), model[number]));
            count += !model[number];
            model[number] = value;
            break;
        case 1:
            cr_assert(eq(ptr, map_remove(map, key), model[number]));
            count -= model[number] != NULL;
            model[number] = NULL;
            break;
        default: cr_assert(eq(ptr, map_get(map, key), model[number]));
        }
        cr_assert(eq(sz, map_count(map), count));
    }
    map_free(&map);
}

Test(map, visits_each_entry_once)
{
    struct map *map = map_new();
    bool seen[KEYS] = {0};
    int values[KEYS];
    char text[24];
    size_t cursor = 0;
    struct str key;
    void *value;

    for (size_t i = 0; i < KEYS; i++)
        cr_assert(eq(ptr, map_put(map, key_of(i, text), &values[i]), NULL));
    while (map_next(map, &cursor, &key, &value)) {
        size_t number = (size_t)((int *)value - values);
        cr_assert(str_equal(key, key_of(number, text)));
        cr_assert(not(seen[number]));
        seen[number] = true;
    }

    for (size_t i = 0; i < KEYS; i++)
        cr_assert(seen[i]);
    map_free(&map);
}

Test(map, keys_are_bytes_and_may_be_empty)
{
    struct map *map = map_new();
    int one, two, three;

    map_put(map, STR(""), &one);
    map_put(map, STR("\0"), &two);
    map_put(map, STR("\0\0"), &three);

    cr_assert(eq(ptr, map_get(map, STR("")), &one));
    cr_assert(eq(ptr, map_get(map, STR_ABSENT), &one));
    cr_assert(eq(ptr, map_get(map, STR("\0")), &two));
    cr_assert(eq(ptr, map_get(map, STR("\0\0")), &three));
    map_free(&map);
}

Test(siphash, gives_the_published_value)
{
    static const uint8_t key[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

    cr_assert(eq(u64, siphash(key, STR("")), 0xabac0158050fc4dcU));
}
