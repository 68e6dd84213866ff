// redis: a link is one attempt at a connection with its own memory, so that what libuv still says
// about a lost one meets nobody. Replies come in the order of commands: a ring remembers who waits.
#include "redis.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/panic.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>

enum {
    COMMANDS_LIMIT = 1000,
    WORDS_LIMIT = 16,
    COMMAND_MS = 50,
    PING_MS = 1000,
    BACKOFF_MIN_MS = 100,
    BACKOFF_MAX_MS = 2000,
};

struct link {
    struct redis *redis; // NULL once it was given up
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    };
    uv_connect_t connect;
    uv_getaddrinfo_t resolve;
    bool is_resolving, is_closed;
    char bytes[4096]; // of one read
};

struct command {
    redis_done_fn *done; // NULL: nobody waits any more
    void *context;
    int64_t deadline_ms;
};

struct redis {
    uv_loop_t *loop;
    struct arena *arena; // the options
    const char *path;    // of a unix socket, or
    const char *host, *port;
    struct str password;
    void (*changed)(void *context, bool ready);
    void *context;
    struct link *link; // NULL: none, the next attempt is waited for
    redisReader *reader;
    struct command commands[COMMANDS_LIMIT];
    size_t first, count; // of the ring
    bool is_ready, is_pinged;
    int64_t backoff_ms;
    uv_timer_t attempt, ping, deadline;
    int open_timers;
};

static void on_attempt(uv_timer_t *timer);
static void on_ping(uv_timer_t *timer);
static void on_deadline(uv_timer_t *timer);

static bool url_parse(struct redis *redis, struct str url, struct err *err)
{
    struct str host, port;

    if (str_starts(url, STR("unix:"))) {
        redis->path = arena_c_string(redis->arena, str_skip(url, 5));
        return true;
    }
    if (!str_starts(url, STR("redis://")) || !str_cut(str_skip(url, 8), ':', &host, &port) ||
        host.len == 0 || port.len == 0)
        return err_set(err, ERR_BAD_INPUT,
                       "the address of Redis is redis://host:port or unix:/path");
    redis->host = arena_c_string(redis->arena, host);
    redis->port = arena_c_string(redis->arena, port);
    return true;
}

struct redis *redis_new(uv_loop_t *loop, const struct redis_options *options, struct err *err)
{
    struct redis *redis = calloc(1, sizeof *redis);
    if (!redis)
        panic("out of memory");
    redis->arena = arena_new();
    if (options->url.len && !url_parse(redis, options->url, err)) {
        arena_free(&redis->arena);
        free(redis);
        return NULL;
    }
    redis->loop = loop;
    redis->password = arena_copy(redis->arena, options->password);
    redis->changed = options->changed;
    redis->context = options->context;
    redis->backoff_ms = BACKOFF_MIN_MS;
    uv_timer_init(loop, &redis->attempt);
    uv_timer_init(loop, &redis->ping);
    uv_timer_init(loop, &redis->deadline);
    redis->attempt.data = redis->ping.data = redis->deadline.data = redis;
    redis->open_timers = 3;
    if (options->url.len)
        uv_timer_start(&redis->attempt, on_attempt, 0, 0);
    return redis;
}

bool redis_ready(const struct redis *redis)
{
    return redis->is_ready;
}

// ---- the connection

static void link_free_if_over(struct link *link)
{
    if (link->is_closed && !link->is_resolving)
        free(link);
}

static void on_link_closed(uv_handle_t *handle)
{
    struct link *link = CONTAINER_OF(handle, struct link, handle);

    link->is_closed = true;
    link_free_if_over(link);
}

static void set_ready(struct redis *redis, bool is_ready)
{
    if (redis->is_ready == is_ready)
        return;
    redis->is_ready = is_ready;
    if (redis->changed)
        redis->changed(redis->context, is_ready);
}

// Every command still out fails: its reply will never come, whether Redis ran it or not.
static void commands_fail(struct redis *redis)
{
    struct err err;

    err_set(&err, ERR_UNAVAILABLE, "Redis is not there");
    while (redis->count > 0) {
        struct command command = redis->commands[redis->first];
        redis->first = (redis->first + 1) % COMMANDS_LIMIT;
        redis->count--;
        if (command.done)
            command.done(command.context, STR_ABSENT, &err);
    }
}

static void link_give_up(struct redis *redis)
{
    struct link *link = redis->link;

    redis->link = NULL;
    if (link) {
        link->redis = NULL;
        uv_close(&link->handle, on_link_closed);
    }
    if (redis->reader)
        redisReaderFree(redis->reader);
    redis->reader = NULL;
    redis->is_pinged = false;
    uv_timer_stop(&redis->ping);
    uv_timer_stop(&redis->deadline);
}

static void link_lost(struct redis *redis)
{
    link_give_up(redis);
    uv_timer_start(&redis->attempt, on_attempt, (uint64_t)redis->backoff_ms, 0);
    if (redis->backoff_ms < BACKOFF_MAX_MS)
        redis->backoff_ms *= 2;
    set_ready(redis, false);
    commands_fail(redis);
}

static void on_connected(uv_connect_t *connect, int status);

static void on_resolved(uv_getaddrinfo_t *resolve, int status, struct addrinfo *addresses)
{
    struct link *link = CONTAINER_OF(resolve, struct link, resolve);

    link->is_resolving = false;
    if (!link->redis)
        link_free_if_over(link);
    else if (status < 0 ||
             uv_tcp_connect(&link->connect, &link->tcp, addresses->ai_addr, on_connected) < 0)
        link_lost(link->redis);
    uv_freeaddrinfo(addresses);
}

static void on_attempt(uv_timer_t *timer)
{
    struct redis *redis = timer->data;
    struct link *link = calloc(1, sizeof *link);
    if (!link)
        panic("out of memory");

    link->redis = redis;
    redis->link = link;
    redis->reader = redisReaderCreate();
    if (!redis->reader)
        panic("out of memory");
    uv_timer_start(&redis->ping, on_ping, PING_MS, PING_MS);
    if (redis->path) {
        uv_pipe_init(redis->loop, &link->pipe, 0);
        uv_pipe_connect(&link->connect, &link->pipe, redis->path, on_connected);
        return;
    }
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    uv_tcp_init(redis->loop, &link->tcp);
    link->is_resolving = uv_getaddrinfo(redis->loop, &link->resolve, on_resolved, redis->host,
                                        redis->port, &hints) == 0;
    if (!link->is_resolving)
        link_lost(redis);
}

// ---- commands and replies

struct piece {
    uv_write_t write;
    char bytes[];
};

static void on_written(uv_write_t *write, int status)
{
    (void)status; // a connection that cannot be written is one that cannot be read: on_read() knows
    free(CONTAINER_OF(write, struct piece, write));
}

static void send_command(struct redis *redis, const struct str *words, size_t count,
                         const struct command *command)
{
    const char *texts[WORDS_LIMIT];
    size_t lengths[WORDS_LIMIT];
    char *bytes = NULL;

    ASSERT(count <= WORDS_LIMIT && redis->count < COMMANDS_LIMIT);
    for (size_t i = 0; i < count; i++) {
        texts[i] = words[i].ptr;
        lengths[i] = words[i].len;
    }
    int length = redisFormatCommandArgv(&bytes, (int)count, texts, lengths);
    struct piece *piece = length < 0 ? NULL : malloc(sizeof *piece + (size_t)length);
    if (!piece)
        panic("out of memory");
    memcpy(piece->bytes, bytes, (size_t)length);
    redisFreeCommand(bytes);

    redis->commands[(redis->first + redis->count++) % COMMANDS_LIMIT] = *command;
    uv_buf_t one = uv_buf_init(piece->bytes, (unsigned)length);
    if (uv_write(&piece->write, &redis->link->stream, &one, 1, on_written) < 0)
        free(piece); // the command's deadline speaks
}

static void ping_done(void *context, struct str reply, const struct err *err)
{
    struct redis *redis = context;

    if (err || !str_equal(reply, STR("PONG"))) {
        if (redis->link)
            link_lost(redis);
        return;
    }
    redis->is_pinged = false;
    redis->backoff_ms = BACKOFF_MIN_MS;
    set_ready(redis, true);
}

static void send_ping(struct redis *redis)
{
    redis->is_pinged = true;
    send_command(redis, &STR("PING"), 1,
                 &(struct command){.done = ping_done, .context = redis, .deadline_ms = INT64_MAX});
}

// A second without connection, or without an answer to the last PING, is the end of a link.
static void on_ping(uv_timer_t *timer)
{
    struct redis *redis = timer->data;

    if (redis->is_pinged || !redis->link || !uv_is_readable(&redis->link->stream))
        link_lost(redis);
    else if (redis->count < COMMANDS_LIMIT)
        send_ping(redis);
}

// True when what came is usable.
static bool reply_take(struct redis *redis, const redisReply *reply)
{
    struct command command = redis->commands[redis->first];
    char number[24];
    struct str text = STR_ABSENT;
    struct err err;
    bool is_good = true;

    if (redis->count == 0)
        return false; // an answer that nobody asked for
    redis->first = (redis->first + 1) % COMMANDS_LIMIT;
    redis->count--;
    if (!command.done)
        return true;
    switch (reply->type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS: text = str_make(reply->str, reply->len); break;
    case REDIS_REPLY_INTEGER:
        snprintf(number, sizeof number, "%lld", reply->integer);
        text = str_of(number);
        break;
    case REDIS_REPLY_NIL: break;
    case REDIS_REPLY_ERROR:
        is_good = err_set(&err, ERR_UNAVAILABLE, "Redis says: %.*s", (int)reply->len, reply->str);
        break;
    default: is_good = err_set(&err, ERR_INTERNAL, "a reply of type %d", reply->type); break;
    }
    command.done(command.context, text, is_good ? NULL : &err);
    return true;
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *bytes)
{
    struct link *link = CONTAINER_OF(stream, struct link, stream);
    void *reply = NULL;

    if (count == 0 || !link->redis)
        return;
    if (count < 0 || redisReaderFeed(link->redis->reader, bytes->base, (size_t)count) != REDIS_OK) {
        link_lost(link->redis);
        return;
    }
    // A callback may lose the link, and its reader with it: asked anew each round.
    while (link->redis) {
        if (redisReaderGetReply(link->redis->reader, &reply) != REDIS_OK) {
            link_lost(link->redis);
            return;
        }
        if (!reply)
            return;
        bool is_usable = reply_take(link->redis, reply);
        freeReplyObject(reply);
        if (!is_usable && link->redis)
            link_lost(link->redis);
    }
}

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *bytes)
{
    struct link *link = CONTAINER_OF(handle, struct link, handle);

    (void)suggested;
    *bytes = uv_buf_init(link->bytes, sizeof link->bytes);
}

static void auth_done(void *context, struct str reply, const struct err *err)
{
    struct redis *redis = context;

    (void)reply;
    if (err && redis->link)
        link_lost(redis);
}

static void on_connected(uv_connect_t *connect, int status)
{
    struct link *link = CONTAINER_OF(connect, struct link, connect);
    struct redis *redis = link->redis;

    if (!redis)
        return;
    if (status < 0 || uv_read_start(&link->stream, on_allocate, on_read) < 0) {
        link_lost(redis);
        return;
    }
    if (redis->password.len)
        send_command(
            redis, (const struct str[]){STR("AUTH"), redis->password}, 2,
            &(struct command){.done = auth_done, .context = redis, .deadline_ms = INT64_MAX});
    send_ping(redis);
}

// Commands that have waited long enough. Their place in the ring stays: the reply may still come.
static void on_deadline(uv_timer_t *timer)
{
    struct redis *redis = timer->data;
    int64_t now_ms = clock_monotonic_ms();
    struct err err;

    err_set(&err, ERR_DEADLINE, "Redis did not answer in time");
    for (size_t i = 0; i < redis->count; i++) {
        struct command *command = &redis->commands[(redis->first + i) % COMMANDS_LIMIT];
        if (!command->done || command->deadline_ms == INT64_MAX)
            continue;
        if (command->deadline_ms > now_ms) {
            uv_timer_start(timer, on_deadline, (uint64_t)(command->deadline_ms - now_ms), 0);
            return;
        }
        redis_done_fn *done = command->done;
        command->done = NULL;
        done(command->context, STR_ABSENT, &err);
    }
}

void redis_command(struct redis *redis, const struct str *words, size_t count, redis_done_fn *done,
                   void *context)
{
    struct err err;

    if (!redis->is_ready || redis->count >= COMMANDS_LIMIT) {
        err_set(&err, redis->is_ready ? ERR_BUSY : ERR_UNAVAILABLE, "Redis is not ready");
        done(context, STR_ABSENT, &err);
        return;
    }
    send_command(redis, words, count,
                 &(struct command){.done = done,
                                   .context = context,
                                   .deadline_ms = clock_monotonic_ms() + COMMAND_MS});
    if (!uv_is_active((uv_handle_t *)&redis->deadline))
        uv_timer_start(&redis->deadline, on_deadline, COMMAND_MS, 0);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct redis *redis = handle->data;

    if (--redis->open_timers == 0)
        free(redis);
}

void redis_close(struct redis **redis)
{
    struct redis *closing = *redis;

    if (!closing)
        return;
    *redis = NULL;
    link_give_up(closing);
    closing->is_ready = false;
    commands_fail(closing);
    arena_free(&closing->arena);
    uv_close((uv_handle_t *)&closing->attempt, on_timer_closed);
    uv_close((uv_handle_t *)&closing->ping, on_timer_closed);
    uv_close((uv_handle_t *)&closing->deadline, on_timer_closed);
}
