// history: a ring by sequence number, each message in one block with its texts after it.
#include "simulator/messages/history.h"

#include "base/heap.h"
#include "base/map.h"

#include <stdlib.h>

enum { MESSAGES_LIMIT = 100000, BYTES_LIMIT = 64 * 1024 * 1024 };

struct history_block {
    struct remembered message;
    size_t bytes;
    char texts[];
};

struct history {
    struct history_block *ring[MESSAGES_LIMIT];
    uint64_t oldest, next; // sequence numbers
    size_t bytes;
    struct map *by_id;
    struct buf key; // of the current look-up
};

struct history *history_new(void)
{
    struct history *history = heap_new(sizeof *history);
    history->oldest = history->next = 1;
    history->by_id = map_new();
    return history;
}

void history_free(struct history **history)
{
    struct history *ending = *history;

    *history = NULL;
    if (!ending)
        return;
    history_clear(ending);
    map_free(&ending->by_id);
    buf_release(&ending->key);
    free(ending);
}

// Valid until the next call.
static struct str key_of(struct history *history, struct str channel, struct str message_id)
{
    buf_clear(&history->key);
    buf_str_append(&history->key, channel);
    buf_byte(&history->key, ' ');
    buf_str_append(&history->key, message_id);
    return buf_str(&history->key);
}

static void forget_oldest(struct history *history)
{
    struct history_block **slot = &history->ring[history->oldest++ % MESSAGES_LIMIT];
    struct history_block *block = *slot;
    struct str key = key_of(history, block->message.channel, block->message.message_id);

    if (map_get(history->by_id, key) == &block->message)
        map_remove(history->by_id, key);
    history->bytes -= block->bytes;
    free(block);
    *slot = NULL;
}

void history_clear(struct history *history)
{
    while (history->oldest < history->next)
        forget_oldest(history);
}

static struct str text_copy(char **end, struct str text)
{
    struct str copy = str_make(*end, text.len);

    if (text.len > 0)
        memcpy(*end, text.ptr, text.len);
    *end += text.len;
    return copy;
}

struct remembered *history_add(struct history *history, const struct remembered *message)
{
    size_t bytes = sizeof(struct history_block) + message->message_id.len + message->channel.len +
                   message->from.len + message->to.len + message->text.len;
    struct history_block *block = heap_raw(bytes);
    *block = (struct history_block){.message = *message, .bytes = bytes};
    char *end = block->texts;
    block->message.message_id = text_copy(&end, message->message_id);
    block->message.channel = text_copy(&end, message->channel);
    block->message.from = text_copy(&end, message->from);
    block->message.to = text_copy(&end, message->to);
    block->message.text = text_copy(&end, message->text);
    while (history->next - history->oldest >= MESSAGES_LIMIT ||
           (history->bytes + bytes > BYTES_LIMIT && history->oldest < history->next))
        forget_oldest(history);
    block->message.sequence = history->next++;
    history->ring[block->message.sequence % MESSAGES_LIMIT] = block;
    history->bytes += bytes;
    if (message->direction == TO_PHONE)
        map_put(history->by_id, key_of(history, message->channel, message->message_id),
                &block->message);
    return &block->message;
}

struct remembered *history_get(struct history *history, uint64_t sequence)
{
    if (sequence < history->oldest || sequence >= history->next)
        return NULL;
    return &history->ring[sequence % MESSAGES_LIMIT]->message;
}

struct remembered *history_find(struct history *history, struct str channel, struct str message_id)
{
    return map_get(history->by_id, key_of(history, channel, message_id));
}

static struct str digits_of(struct str number)
{
    return str_starts(number, STR("+")) ? str_skip(number, 1) : number;
}

bool remembered_concerns(const struct remembered *message, struct str number)
{
    number = digits_of(number);
    return number.len == 0 || str_equal(number, digits_of(message->from)) ||
           str_equal(number, digits_of(message->to));
}

void history_write(const struct history *history, uint64_t after, struct str number, size_t count,
                   struct buf *out)
{
    uint64_t sequence = after < history->oldest ? history->oldest : after + 1;

    json_open(out, '{');
    json_key(out, "messages");
    json_open(out, '[');
    for (; sequence < history->next && count > 0; sequence++) {
        const struct remembered *message = &history->ring[sequence % MESSAGES_LIMIT]->message;
        if (!remembered_concerns(message, number))
            continue;
        remembered_write(message, out);
        count--;
    }
    json_close(out, ']');
    json_key_int(out, "next", (int64_t)(sequence - 1));
    json_close(out, '}');
}

void remembered_write(const struct remembered *message, struct buf *out)
{
    AUTO(buf) time = {0};

    buf_time(&time, message->time_us);
    json_open(out, '{');
    json_key_int(out, "sequence", (int64_t)message->sequence);
    json_key_str(out, "time", buf_str(&time));
    json_key_str(out, "direction", message->direction == FROM_PHONE ? STR("mo") : STR("mt"));
    json_key_str(out, "messageId", message->message_id);
    json_key_str(out, "channel", message->channel);
    json_key_str(out, "from", message->from);
    json_key_str(out, "to", message->to);
    json_key_str(out, "text", message->text);
    json_key_str(out, "state", str_of(message->state));
    json_key_int(out, "attempts", message->attempts);
    json_key_int(out, "status", message->status);
    json_close(out, '}');
}
