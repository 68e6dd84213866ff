// channels: a map from number to channel.
#include "simulator/channels/channels.h"

#include "base/heap.h"
#include "base/map.h"

#include <stdlib.h>

enum { CHANNELS_LIMIT = 10000 };

struct channels {
    struct map *by_number;
    struct knobs fallback;
    struct channel others; // shared by all numbers above the limit
};

struct channels *channels_new(void)
{
    struct channels *channels = heap_new(sizeof *channels);
    channels->by_number = map_new();
    channels->fallback = knobs_default;
    memcpy(channels->others.name, "others", sizeof "others");
    return channels;
}

void channels_free(struct channels **channels)
{
    struct channels *ending = *channels;
    size_t cursor = 0;
    struct str number;
    void *channel;

    *channels = NULL;
    if (!ending)
        return;
    while (map_next(ending->by_number, &cursor, &number, &channel))
        free(channel);
    map_free(&ending->by_number);
    free(ending);
}

struct channel *channels_get(struct channels *channels, struct str number)
{
    if (str_starts(number, STR("+")))
        number = str_skip(number, 1);
    if (number.len >= sizeof channels->others.name)
        return &channels->others;
    struct channel *channel = map_get(channels->by_number, number);
    if (channel)
        return channel;
    if (map_count(channels->by_number) >= CHANNELS_LIMIT)
        return &channels->others;
    channel = heap_new(sizeof *channel);
    memcpy(channel->name, number.ptr, number.len);
    map_put(channels->by_number, number, channel);
    return channel;
}

const struct knobs *channel_knobs(const struct channels *channels, const struct channel *channel)
{
    return channel->has_own_knobs ? &channel->own : &channels->fallback;
}

struct knobs *channels_default_knobs(struct channels *channels)
{
    return &channels->fallback;
}

struct knobs *channel_own_knobs(struct channels *channels, struct channel *channel)
{
    if (!channel->has_own_knobs)
        channel->own = channels->fallback;
    channel->has_own_knobs = true;
    return &channel->own;
}

void channels_reset_knobs(struct channels *channels)
{
    size_t cursor = 0;
    struct str number;
    void *value;

    channels->fallback = knobs_default;
    channels->others.has_own_knobs = false;
    while (map_next(channels->by_number, &cursor, &number, &value)) {
        struct channel *channel = value;
        channel->has_own_knobs = false;
    }
}

void channels_reset_counts(struct channels *channels)
{
    size_t cursor = 0;
    struct str number;
    void *value;

    channels->others.counts = (struct counts){0};
    while (map_next(channels->by_number, &cursor, &number, &value)) {
        struct channel *channel = value;
        channel->counts = (struct counts){0};
    }
}

static void counts_write(const struct counts *counts, struct buf *out)
{
    json_open(out, '{');
#define COUNT(field, name, doc) json_key_int(out, name, (int64_t)counts->field);
#include "simulator/channels/counts.def"
    json_close(out, '}');
}

static void counts_add(struct counts *total, const struct counts *more)
{
#define COUNT(field, name, doc) total->field += more->field;
#include "simulator/channels/counts.def"
}

void channels_write_counts(const struct channels *channels, struct buf *out)
{
    struct counts total = channels->others.counts;
    size_t cursor = 0;
    struct str number;
    void *value;

    json_open(out, '{');
    json_key(out, "channels");
    json_open(out, '{');
    while (map_next(channels->by_number, &cursor, &number, &value)) {
        const struct channel *channel = value;
        counts_add(&total, &channel->counts);
        json_key(out, channel->name);
        counts_write(&channel->counts, out);
    }
    json_close(out, '}');
    json_key(out, "total");
    counts_write(&total, out);
    json_close(out, '}');
}
