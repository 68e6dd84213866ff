// The Redis adapter against a server of a few lines on the same loop.
#include "io/redis/redis.h"

#include "base/buf.h"
#include "io/loop.h"
#include "tests/unit/rows.h"

#include <unistd.h>

struct fake {
    uv_loop_t loop;
    uv_pipe_t listener;
    uv_pipe_t *client; // the one connection that is served
    char path[64], url[80];
    char bytes[4096];
    struct buf heard;
    bool is_mute; // answers nothing but pings
    int connections, pings;
    const char *user;
    bool said_user;
    int64_t command_ms; // 0: a minute, which a busy machine keeps
    struct redis *redis;
    bool ready;
    int changes;
    // of the last command
    int answers;
    enum err_code code;
    char text[64];
};

static void on_gone(uv_handle_t *handle)
{
    free(handle);
}

static void client_drop(struct fake *fake)
{
    if (fake->client)
        uv_close((uv_handle_t *)fake->client, on_gone);
    fake->client = NULL;
}

static void say(struct fake *fake, const char *text)
{
    uv_buf_t bytes = uv_buf_init((char *)text, (unsigned)strlen(text));
    cr_assert(eq(int, uv_try_write((uv_stream_t *)fake->client, &bytes, 1), (int)strlen(text)));
}

static bool heard(struct fake *fake, const char *text)
{
    return strstr(buf_c_string(&fake->heard), text) != NULL;
}

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *bytes)
{
    struct fake *fake = handle->data;
    (void)suggested;
    *bytes = uv_buf_init(fake->bytes, sizeof fake->bytes);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *bytes)
{
    struct fake *fake = stream->data;

    if (count < 0) {
        if (stream == (uv_stream_t *)fake->client)
            client_drop(fake);
        return;
    }
    buf_clear(&fake->heard);
    buf_append(&fake->heard, bytes->base, (size_t)count);
    if (heard(fake, "*3\r\n$4\r\nAUTH\r\n$5\r\nnexus\r\n$6\r\nsecret\r\n"))
        fake->said_user = true;
    if (heard(fake, "AUTH"))
        say(fake, heard(fake, "secret") ? "+OK\r\n" : "-WRONGPASS\r\n");
    if (heard(fake, "nexus:ping")) {
        fake->pings++;
        say(fake, "+OK\r\n");
    }
    if (!fake->is_mute && heard(fake, "GET"))
        say(fake, heard(fake, "nothing")  ? "$-1\r\n"
                  : heard(fake, "number") ? ":42\r\n"
                  : heard(fake, "list")   ? "*1\r\n+a\r\n"
                  : heard(fake, "fault")  ? "-ERR no\r\n"
                                          : "$5\r\nhello\r\n");
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct fake *fake = listener->data;

    cr_assert(eq(int, status, 0));
    client_drop(fake);
    fake->client = calloc(1, sizeof *fake->client);
    fake->client->data = fake;
    fake->connections++;
    uv_pipe_init(&fake->loop, fake->client, 0);
    cr_assert(eq(int, uv_accept(listener, (uv_stream_t *)fake->client), 0));
    uv_read_start((uv_stream_t *)fake->client, on_allocate, on_read);
}

static void on_changed(void *context, bool ready)
{
    struct fake *fake = context;
    fake->ready = ready;
    fake->changes++;
}

static void fake_listen(struct fake *fake)
{
    unlink(fake->path);
    uv_pipe_init(&fake->loop, &fake->listener, 0);
    fake->listener.data = fake;
    cr_assert(eq(int, uv_pipe_bind(&fake->listener, fake->path), 0));
    cr_assert(eq(int, uv_listen((uv_stream_t *)&fake->listener, 8, on_connection), 0));
}

static void fake_start(struct fake *fake, struct str password)
{
    struct err err;

    uv_loop_init(&fake->loop);
    snprintf(fake->path, sizeof fake->path, "/tmp/nexus-test-redis.%d", (int)getpid());
    snprintf(fake->url, sizeof fake->url, "unix:%s", fake->path);
    fake_listen(fake);
    fake->redis =
        redis_new(&fake->loop,
                  &(struct redis_options){.url = str_of(fake->url),
                                          .user = str_of(fake->user ? fake->user : ""),
                                          .password = password,
                                          .command_ms = fake->command_ms ? fake->command_ms : 60000,
                                          .changed = on_changed,
                                          .context = fake},
                  &err);
    cr_assert(ne(ptr, fake->redis, NULL));
}

static void fake_stop(struct fake *fake)
{
    redis_close(&fake->redis);
    client_drop(fake);
    uv_close((uv_handle_t *)&fake->listener, NULL);
    loop_close(&fake->loop);
    buf_release(&fake->heard);
    unlink(fake->path);
}

static void on_late(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

// Runs the loop until the condition holds, at most a minute.
#define UNTIL(fake, condition)                                                                     \
    do {                                                                                           \
        bool is_late = false;                                                                      \
        uv_timer_t limit;                                                                          \
        uv_timer_init(&(fake)->loop, &limit);                                                      \
        limit.data = &is_late;                                                                     \
        uv_timer_start(&limit, on_late, 60 * 1000, 0);                                             \
        while (!(condition) && !is_late)                                                           \
            uv_run(&(fake)->loop, UV_RUN_ONCE);                                                    \
        uv_close((uv_handle_t *)&limit, NULL);                                                     \
        uv_run(&(fake)->loop, UV_RUN_NOWAIT);                                                      \
        if (!(condition))                                                                          \
            cr_fatal("not within a minute: %s", #condition);                                       \
    } while (0)

static void on_done(void *context, struct str reply, const struct err *err)
{
    struct fake *fake = context;

    fake->answers++;
    fake->code = err ? err->code : ERR_OK;
    snprintf(fake->text, sizeof fake->text, "%.40s",
             str_present(reply) ? reply.ptr : "absent"); // hiredis ends strings with a NUL
}

static void get(struct fake *fake, struct str key)
{
    redis_command(fake->redis, (const struct str[]){STR("GET"), key}, 2, on_done, fake);
}

static const struct url_row {
    const char *url;
    bool good;
} url_rows[] = {
    {"", true},
    {"unix:/tmp/x", true},
    {"redis://localhost:1", true},
    {"localhost", false},
    {"redis://x", false},
    {"redis://:6379", false},
    {"redis://user:password@host:6379", false},
};

ROWS_TEST(redis, reads_the_addresses_of_sockets_and_hosts, url_rows)
{
    uv_loop_t loop;
    struct err err;

    uv_loop_init(&loop);
    struct redis *redis = redis_new(&loop, &(struct redis_options){.url = str_of(row->url)}, &err);
    cr_assert(eq(int, redis != NULL, row->good), "%s", row->url);
    redis_close(&redis);
    loop_close(&loop);
}

Test(redis, is_ready_after_the_first_ping_was_answered)
{
    struct fake fake = {0};

    fake_start(&fake, STR(""));
    cr_assert(not(redis_ready(fake.redis)));
    UNTIL(&fake, fake.ready);
    cr_assert(redis_ready(fake.redis));
    fake_stop(&fake);
}

Test(redis, sends_its_password_first)
{
    struct fake fake = {0};

    fake_start(&fake, STR("secret"));
    UNTIL(&fake, fake.ready);
    fake_stop(&fake);
}

Test(redis, sends_its_user_before_its_password)
{
    struct fake fake = {.user = "nexus"};

    fake_start(&fake, STR("secret"));
    UNTIL(&fake, fake.ready);
    cr_assert(fake.said_user);
    fake_stop(&fake);
}

Test(redis, is_not_ready_with_a_wrong_password)
{
    struct fake fake = {0};

    fake_start(&fake, STR("wrong"));
    UNTIL(&fake, fake.connections >= 3);
    cr_assert(eq(int, fake.changes, 0));
    fake_stop(&fake);
}

static const struct reply_row {
    const char *key;
    enum err_code code;
    const char *text;
} reply_rows[] = {
    {"any", ERR_OK, "hello"},         {"number", ERR_OK, "42"},
    {"nothing", ERR_OK, "absent"},    {"fault", ERR_UNAVAILABLE, "absent"},
    {"list", ERR_INTERNAL, "absent"},
};

ROWS_TEST(redis, gives_strings_and_numbers_as_text_and_the_rest_as_errors, reply_rows)
{
    struct fake fake = {0};

    fake_start(&fake, STR(""));
    UNTIL(&fake, fake.ready);
    get(&fake, str_of(row->key));
    UNTIL(&fake, fake.answers == 1);

    cr_assert(eq(int, fake.code, row->code));
    cr_assert(eq(str, fake.text, (char *)row->text));
    fake_stop(&fake);
}

Test(redis, fails_a_command_at_once_when_it_is_not_ready)
{
    struct fake fake = {0};

    fake_start(&fake, STR(""));
    get(&fake, STR("any"));

    cr_assert(eq(int, fake.answers, 1));
    cr_assert(eq(int, fake.code, ERR_UNAVAILABLE));
    fake_stop(&fake);
}

Test(redis, stops_waiting_for_a_command_and_drops_its_late_reply)
{
    struct fake fake = {.is_mute = true, .command_ms = 500};

    fake_start(&fake, STR(""));
    UNTIL(&fake, fake.ready);
    get(&fake, STR("any"));
    UNTIL(&fake, fake.answers == 1);
    cr_assert(eq(int, fake.code, ERR_DEADLINE));

    say(&fake, "$4\r\nlate\r\n");
    fake.is_mute = false;
    get(&fake, STR("number"));
    UNTIL(&fake, fake.answers == 2);
    cr_assert(eq(str, fake.text, "42"));
    fake_stop(&fake);
}

Test(redis, fails_waiting_commands_when_the_connection_breaks_and_reconnects)
{
    struct fake fake = {.is_mute = true};

    fake_start(&fake, STR(""));
    UNTIL(&fake, fake.ready);
    get(&fake, STR("any"));
    get(&fake, STR("any"));
    client_drop(&fake);
    UNTIL(&fake, fake.answers == 2);
    cr_assert(eq(int, fake.code, ERR_UNAVAILABLE));
    cr_assert(not(redis_ready(fake.redis)));

    UNTIL(&fake, fake.ready);
    cr_assert(eq(int, fake.connections, 2));
    fake_stop(&fake);
}

Test(redis, disconnects_from_a_server_that_sends_nonsense)
{
    struct fake fake = {0};

    fake_start(&fake, STR(""));
    UNTIL(&fake, fake.ready);
    say(&fake, "what?\r\n");
    UNTIL(&fake, !fake.ready);
    UNTIL(&fake, fake.ready);
    fake_stop(&fake);
}

Test(redis, asks_every_second_whether_the_server_is_still_there)
{
    struct fake fake = {0};

    fake_start(&fake, STR(""));
    UNTIL(&fake, fake.pings >= 3);
    cr_assert(eq(int, fake.connections, 1));
    fake_stop(&fake);
}

Test(redis, can_be_closed_while_it_resolves_a_name)
{
    uv_loop_t loop;
    struct err err;

    uv_loop_init(&loop);
    struct redis *redis =
        redis_new(&loop, &(struct redis_options){.url = STR("redis://localhost:1")}, &err);
    uv_run(&loop, UV_RUN_NOWAIT);
    redis_close(&redis);
    loop_close(&loop);
}
