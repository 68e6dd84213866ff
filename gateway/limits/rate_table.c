// rate_table: groups of eight; a number belongs to one group, at any place in it.
#include "gateway/limits/rate_table.h"

#include "base/heap.h"
#include "base/panic.h"

#include <stdlib.h>

enum { WAYS = 8 };

struct rate_place {
    uint64_t number;
    int64_t seen_ms;
    struct rate_bucket bucket;
};

struct rate_table {
    size_t groups;
    struct rate_place places[];
};

struct rate_table *rate_table_new(size_t buckets)
{
    struct rate_table *table = heap_new(sizeof *table + buckets * sizeof table->places[0]);
    ASSERT(buckets >= WAYS && (buckets & (buckets - 1)) == 0);
    table->groups = buckets / WAYS;
    return table;
}

void rate_table_free(struct rate_table **table)
{
    free(*table);
    *table = NULL;
}

static struct rate_place *group_of(struct rate_table *table, uint64_t number)
{
    return &table->places[number % table->groups * WAYS];
}

static struct rate_place *place_seek(struct rate_table *table, uint64_t number)
{
    struct rate_place *group = group_of(table, number);

    for (int i = 0; i < WAYS; i++)
        if (group[i].number == number && group[i].seen_ms)
            return &group[i];
    return NULL;
}

struct rate_bucket *rate_table_seek(struct rate_table *table, uint64_t number)
{
    struct rate_place *place = place_seek(table, number);

    return place ? &place->bucket : NULL;
}

struct rate_bucket *rate_table_find(struct rate_table *table, uint64_t number, int64_t now_ms)
{
    struct rate_place *place = place_seek(table, number), *group = group_of(table, number);

    if (!place) {
        place = group;
        for (int i = 1; i < WAYS; i++)
            if (group[i].seen_ms < place->seen_ms)
                place = &group[i];
        *place = (struct rate_place){.number = number};
    }
    place->seen_ms = now_ms;
    return &place->bucket;
}
