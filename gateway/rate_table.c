// rate_table: groups of eight; a number belongs into one of them, at any place.
#include "rate_table.h"

#include "base/panic.h"

#include <stdlib.h>

enum { WAYS = 8 };

struct place {
    uint64_t number;
    int64_t seen_ms;
    struct rate_bucket bucket;
};

struct rate_table {
    size_t groups;
    struct place places[];
};

struct rate_table *rate_table_new(size_t buckets)
{
    struct rate_table *table = calloc(1, sizeof *table + buckets * sizeof table->places[0]);

    if (!table)
        panic("out of memory");
    ASSERT(buckets >= WAYS && (buckets & (buckets - 1)) == 0);
    table->groups = buckets / WAYS;
    return table;
}

void rate_table_free(struct rate_table **table)
{
    free(*table);
    *table = NULL;
}

static struct place *group_of(struct rate_table *table, uint64_t number)
{
    return &table->places[number % table->groups * WAYS];
}

static struct place *place_seek(struct rate_table *table, uint64_t number)
{
    struct place *group = group_of(table, number);

    for (int i = 0; i < WAYS; i++)
        if (group[i].number == number && group[i].seen_ms)
            return &group[i];
    return NULL;
}

struct rate_bucket *rate_table_seek(struct rate_table *table, uint64_t number)
{
    struct place *place = place_seek(table, number);

    return place ? &place->bucket : NULL;
}

struct rate_bucket *rate_table_find(struct rate_table *table, uint64_t number, int64_t now_ms)
{
    struct place *place = place_seek(table, number), *group = group_of(table, number);

    if (!place) {
        place = group;
        for (int i = 1; i < WAYS; i++)
            if (group[i].seen_ms < place->seen_ms)
                place = &group[i];
        *place = (struct place){.number = number};
    }
    place->seen_ms = now_ms;
    return &place->bucket;
}
