// deadlines: places are counted from 1, so that a zeroed table means "not there".
#include "bus/gateway/deadlines.h"

#include "base/heap.h"
#include "base/panic.h"

#include <stdlib.h>

struct deadline {
    int64_t at_ms;
    uint32_t index;
};

struct deadlines {
    struct deadline *heap; // [1, count]
    uint32_t *places;      // by index; 0: not there
    uint32_t count, capacity;
};

struct deadlines *deadlines_new(uint32_t capacity)
{
    struct deadlines *deadlines = heap_new(sizeof *deadlines);
    *deadlines = (struct deadlines){.heap = heap_array(capacity + 1, sizeof(struct deadline)),
                                    .places = heap_array(capacity, sizeof(uint32_t)),
                                    .capacity = capacity};
    return deadlines;
}

void deadlines_free(struct deadlines **deadlines)
{
    if (!*deadlines)
        return;
    free((*deadlines)->heap);
    free((*deadlines)->places);
    free(*deadlines);
    *deadlines = NULL;
}

static void put(struct deadlines *deadlines, uint32_t place, struct deadline deadline)
{
    deadlines->heap[place] = deadline;
    deadlines->places[deadline.index] = place;
}

// Moves a deadline up or down the heap to its place.
static void settle(struct deadlines *deadlines, uint32_t place, struct deadline deadline)
{
    const struct deadline *heap = deadlines->heap;

    while (place > 1 && deadline.at_ms < heap[place / 2].at_ms) {
        put(deadlines, place, heap[place / 2]);
        place /= 2;
    }
    for (;;) {
        uint32_t child = place * 2;
        if (child < deadlines->count && heap[child + 1].at_ms < heap[child].at_ms)
            child++;
        if (child > deadlines->count || heap[child].at_ms >= deadline.at_ms)
            break;
        put(deadlines, place, heap[child]);
        place = child;
    }
    put(deadlines, place, deadline);
}

void deadlines_add(struct deadlines *deadlines, uint32_t index, int64_t deadline_ms)
{
    ASSERT(index < deadlines->capacity && deadlines->places[index] == 0);
    deadlines->count++;
    settle(deadlines, deadlines->count, (struct deadline){.at_ms = deadline_ms, .index = index});
}

void deadlines_remove(struct deadlines *deadlines, uint32_t index)
{
    uint32_t place = deadlines->places[index];

    if (place == 0)
        return;
    struct deadline last = deadlines->heap[deadlines->count--];
    deadlines->places[index] = 0;
    if (last.index != index)
        settle(deadlines, place, last);
}

bool deadlines_first(const struct deadlines *deadlines, uint32_t *index, int64_t *deadline_ms)
{
    if (deadlines->count == 0)
        return false;
    *index = deadlines->heap[1].index;
    *deadline_ms = deadlines->heap[1].at_ms;
    return true;
}
