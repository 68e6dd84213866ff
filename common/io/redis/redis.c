// redis: commands and replies over a link. Replies come in the order of commands; a ring holds the
// waiting callers.
#include "io/redis/redis.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/heap.h"
#include "base/panic.h"
#include "io/tcp/link.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>

enum {
    COMMANDS_LIMIT = 1000,
    WORDS_LIMIT = 16,
    COMMAND_MS = 20,
    PING_MS = 1000,
    BACKOFF_MIN_MS = 100,
    BACKOFF_MAX_MS = 2000,
};

struct redis_command {
    redis_done_fn *done; // NULL: nobody waits any more
    void *context;
    int64_t deadline_ms; // INT64_MAX: ends with the link
};

struct redis {
    uv_loop_t *loop;
    struct arena *arena; // the options
    struct link_address address;
    struct str user, password;
    int64_t command_ms;
    void (*changed)(void *context, bool ready);
    void *context;
    struct link *link;   // NULL until the next attempt
    redisReader *reader; // of the link's bytes
    struct redis_command commands[COMMANDS_LIMIT];
    size_t first, count; // of the ring
    bool is_connected, is_pinged, is_ready, is_reconnecting, refuses_writes;
    int64_t backoff_ms, attempt_ms; // when the attempt under way began
    uv_timer_t attempt, ping, deadline;
    int open_timers;
    struct {
        struct metric *established, *reconnecting, *ready, *until_ready, *errors;
    } series;
};

static bool address_parse(struct redis *redis, struct str url, struct err *err)
{
    struct str host, port;

    if (str_starts(url, STR("unix:"))) {
        redis->address.path = arena_c_string(redis->arena, str_skip(url, 5));
        return true;
    }
    if (!str_starts(url, STR("redis://")) || !str_cut(str_skip(url, 8), ':', &host, &port) ||
        host.len == 0 || port.len == 0)
        return err_set(err, ERR_BAD_INPUT,
                       "the address of Redis is redis://host:port or unix:/path");
    if (memchr(url.ptr, '@', url.len))
        return err_set(err, ERR_BAD_INPUT,
                       "the address of Redis must not contain a user or a password; they have "
                       "settings of their own");
    redis->address.host = arena_c_string(redis->arena, host);
    redis->address.port = arena_c_string(redis->arena, port);
    return true;
}

static void series_find(struct redis *redis, struct metrics *metrics)
{
    redis->series.established = metrics_series(metrics, METRIC_REDIS_ESTABLISHED);
    redis->series.reconnecting = metrics_series(metrics, METRIC_REDIS_RECONNECTING);
    redis->series.ready = metrics_series(metrics, METRIC_REDIS_READY);
    redis->series.until_ready = metrics_series(metrics, METRIC_REDIS_UNTIL_READY);
    redis->series.errors = metrics_series(metrics, METRIC_REDIS_ERRORS);
}

static void on_attempt(uv_timer_t *timer);

struct redis *redis_new(uv_loop_t *loop, const struct redis_options *options, struct err *err)
{
    struct redis *redis = heap_new(sizeof *redis);
    redis->arena = arena_new();
    if (options->url.len && !address_parse(redis, options->url, err)) {
        arena_free(&redis->arena);
        free(redis);
        return NULL;
    }
    redis->loop = loop;
    redis->user = arena_copy(redis->arena, options->user);
    redis->password = arena_copy(redis->arena, options->password);
    redis->command_ms = options->command_ms ? options->command_ms : COMMAND_MS;
    redis->changed = options->changed;
    redis->context = options->context;
    if (options->metrics)
        series_find(redis, options->metrics);
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
    return redis && redis->is_ready;
}

bool redis_refuses_writes(const struct redis *redis)
{
    return redis && redis->refuses_writes;
}

size_t redis_in_flight(const struct redis *redis)
{
    return redis->count;
}

void redis_publish_metrics(const struct redis *redis)
{
    if (!redis->series.ready)
        return;
    metric_set(redis->series.established, redis->is_connected);
    metric_set(redis->series.reconnecting, redis->is_reconnecting);
    metric_set(redis->series.ready, redis->is_ready);
}

// ---- the link comes and goes

static void set_ready(struct redis *redis, bool is_ready)
{
    if (redis->is_ready == is_ready)
        return;
    redis->is_ready = is_ready;
    if (is_ready && redis->series.until_ready)
        metric_observe(redis->series.until_ready,
                       (double)(clock_monotonic_ms() - redis->attempt_ms));
    redis_publish_metrics(redis);
    if (redis->changed)
        redis->changed(redis->context, is_ready);
}

static struct redis_command ring_take(struct redis *redis)
{
    struct redis_command command = redis->commands[redis->first];

    redis->first = (redis->first + 1) % COMMANDS_LIMIT;
    redis->count--;
    return command;
}

// Every command still out fails: its reply will never come, whether Redis ran it or not.
static void commands_fail(struct redis *redis)
{
    struct err err;

    err_set(&err, ERR_UNAVAILABLE, "Redis is not there");
    while (redis->count > 0) {
        struct redis_command command = ring_take(redis);
        if (command.done)
            command.done(command.context, STR_ABSENT, &err);
    }
}

static void link_drop(struct redis *redis)
{
    link_close(&redis->link);
    if (redis->reader)
        redisReaderFree(redis->reader);
    redis->reader = NULL;
    redis->is_connected = redis->is_pinged = false;
    uv_timer_stop(&redis->ping);
    uv_timer_stop(&redis->deadline);
}

static void link_lost(void *context)
{
    struct redis *redis = context;

    link_drop(redis);
    redis->is_reconnecting = true;
    redis->refuses_writes = false;
    if (redis->series.errors)
        metric_add(redis->series.errors, 1);
    uv_timer_start(&redis->attempt, on_attempt, (uint64_t)redis->backoff_ms, 0);
    redis->backoff_ms *= 2;
    if (redis->backoff_ms > BACKOFF_MAX_MS)
        redis->backoff_ms = BACKOFF_MAX_MS;
    set_ready(redis, false);
    commands_fail(redis);
}

static void link_connected(void *context);
static void link_received(void *context, struct str bytes);
static void on_ping(uv_timer_t *timer);

static void on_attempt(uv_timer_t *timer)
{
    struct redis *redis = timer->data;

    redis->attempt_ms = clock_monotonic_ms();
    redis->reader = redisReaderCreate();
    if (!redis->reader)
        panic("out of memory");
    redis->link = link_new(redis->loop, &redis->address,
                           &(struct link_events){.connected = link_connected,
                                                 .received = link_received,
                                                 .lost = link_lost,
                                                 .context = redis});
    uv_timer_start(&redis->ping, on_ping, PING_MS, PING_MS);
}

// ---- commands

static void send_command(struct redis *redis, const struct str *words, size_t count,
                         const struct redis_command *command)
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
    if (length < 0)
        panic("out of memory");
    link_send(redis->link, str_make(bytes, (size_t)length));
    redisFreeCommand(bytes);
    redis->commands[(redis->first + redis->count++) % COMMANDS_LIMIT] = *command;
}

static void auth_done(void *context, struct str reply, const struct err *err)
{
    struct redis *redis = context;

    (void)reply;
    if (err && redis->link)
        link_lost(redis);
}

static bool is_refusal(const struct err *err)
{
    static const char *const refusals[] = {"OOM ", "READONLY ", "MISCONF ", "NOREPLICAS "};

    for (size_t i = 0; i < COUNT_OF(refusals); i++)
        if (strstr(err->text, refusals[i]))
            return true;
    return false;
}

static void ping_done(void *context, struct str reply, const struct err *err)
{
    struct redis *redis = context;

    (void)reply;
    // Redis answers the write that serves as PING with an error: no room, read-only, cannot save.
    // It is reachable but unusable, so callers treat it as absent.
    bool refuses = err && redis->link && redis->is_connected && is_refusal(err);
    if (err && !refuses) {
        if (redis->link)
            link_lost(redis);
        return;
    }
    redis->is_pinged = false;
    redis->backoff_ms = BACKOFF_MIN_MS;
    redis->refuses_writes = refuses;
    set_ready(redis, !refuses);
}

static void send_ping(struct redis *redis)
{
    static const struct str ping[] = {STR_INIT("SET"), STR_INIT("nexus:ping"), STR_INIT("1"),
                                      STR_INIT("PX"), STR_INIT("10000")};

    redis->is_pinged = true;
    // Not PING: a Redis that refuses every write still answers PING.
    send_command(
        redis, ping, COUNT_OF(ping),
        &(struct redis_command){.done = ping_done, .context = redis, .deadline_ms = INT64_MAX});
}

static void send_auth(struct redis *redis)
{
    struct str words[3] = {STR("AUTH")};
    size_t count = 1;

    if (redis->user.len)
        words[count++] = redis->user;
    words[count++] = redis->password;
    send_command(
        redis, words, count,
        &(struct redis_command){.done = auth_done, .context = redis, .deadline_ms = INT64_MAX});
}

static void link_connected(void *context)
{
    struct redis *redis = context;

    redis->is_connected = true;
    redis->is_reconnecting = false;
    if (redis->password.len)
        send_auth(redis);
    send_ping(redis);
}

// A second without a connection, or without an answer to the last PING, is the end of a link.
static void on_ping(uv_timer_t *timer)
{
    struct redis *redis = timer->data;

    if (redis->is_pinged || !redis->is_connected)
        link_lost(redis);
    else if (redis->count < COMMANDS_LIMIT)
        send_ping(redis);
}

static void on_deadline(uv_timer_t *timer);

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
                 &(struct redis_command){.done = done,
                                         .context = context,
                                         .deadline_ms = clock_monotonic_ms() + redis->command_ms});
    if (!uv_is_active((uv_handle_t *)&redis->deadline))
        uv_timer_start(&redis->deadline, on_deadline, (uint64_t)redis->command_ms, 0);
}

// Ends commands that have waited long enough. Their place in the ring stays, because the reply may
// still come.
static void on_deadline(uv_timer_t *timer)
{
    struct redis *redis = timer->data;
    int64_t now_ms = clock_monotonic_ms();
    struct err err;

    err_set(&err, ERR_DEADLINE, "Redis did not answer in time");
    for (size_t i = 0; i < redis->count; i++) {
        struct redis_command *command = &redis->commands[(redis->first + i) % COMMANDS_LIMIT];
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

// ---- replies

static void reply_take(struct redis *redis, const redisReply *reply)
{
    struct redis_command command = ring_take(redis);
    char number[24];
    struct str text = STR_ABSENT;
    struct err err;
    bool is_good = true;

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
    if (command.done)
        command.done(command.context, text, is_good ? NULL : &err);
}

static void link_received(void *context, struct str bytes)
{
    struct redis *redis = context;
    void *reply = NULL;
    bool is_sound = redisReaderFeed(redis->reader, bytes.ptr, bytes.len) == REDIS_OK;

    // A callback may lose the link, and its reader with it.
    while (is_sound && redis->reader) {
        is_sound = redisReaderGetReply(redis->reader, &reply) == REDIS_OK;
        if (!reply)
            break;
        if (redis->count == 0)
            is_sound = false; // a reply without a command
        else
            reply_take(redis, reply);
        freeReplyObject(reply);
    }
    if (!is_sound && redis->link)
        link_lost(redis);
}

// ---- the end

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
    link_drop(closing);
    closing->is_ready = false;
    commands_fail(closing);
    arena_free(&closing->arena);
    uv_close((uv_handle_t *)&closing->attempt, on_timer_closed);
    uv_close((uv_handle_t *)&closing->ping, on_timer_closed);
    uv_close((uv_handle_t *)&closing->deadline, on_timer_closed);
}
