// queues: see the header.
#include "service/stats/queues.h"

#include "base/str.h"

size_t queues_add(const struct bus_queue *queue, struct bus_queue *queues, size_t count,
                  size_t limit)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(queues[i].name, queue->name) != 0)
            continue;
        if (queue->depth > queues[i].depth)
            queues[i].depth = queue->depth;
        if (queue->oldest_ms > queues[i].oldest_ms)
            queues[i].oldest_ms = queue->oldest_ms;
        return count;
    }
    if (count == limit)
        return count;
    queues[count] = *queue;
    return count + 1;
}

static uint64_t whole(double value)
{
    return value > 0 && value < 1e15 ? (uint64_t)value : 0;
}

size_t queues_add_own(const struct metrics *metrics, struct bus_queue *queues, size_t count,
                      size_t limit)
{
    for (size_t i = 0; i < metrics_count(metrics); i++) {
        struct metric_sample sample = metrics_sample(metrics, i);
        struct bus_queue queue = {0};
        bool is_depth = sample.id == METRIC_QUEUE_DEPTH;

        if ((!is_depth && sample.id != METRIC_QUEUE_OLDEST_AGE) ||
            sample.labels[0].len > BUS_QUEUE_NAME_LIMIT)
            continue;
        memcpy(queue.name, sample.labels[0].ptr, sample.labels[0].len);
        if (is_depth)
            queue.depth = whole(sample.value);
        else
            queue.oldest_ms = whole(sample.value * 1000);
        count = queues_add(&queue, queues, count, limit);
    }
    return count;
}
