// load: sends texts and records which were acknowledged.
//
//   load --port P --ccid C --key K --number N [--rate R] [--connections 64] [--seconds 10]
//        [--journal FILE] [--phones 20000] [--name load] [--retry 1] [--host 127.0.0.1]
//
// Open loop (--rate R): message i is due at start + i/R, whether or not earlier messages were
// answered, and its latency is measured from then. So a stall shows in every message that it delays
// (no coordinated omission).
// Closed loop (--rate 0): each connection sends the next message as soon as the last is answered.
// With --retry 1 a message is sent again if its answer was not 2xx or its connection was lost, as by
// an aggregator, until it is acknowledged or the run is over (GRACE_MS past the end). The pause is
// at most PAUSE_FIRST_MS at first and twice as long each time up to PAUSE_LIMIT_MS. The journal has
// one message_id per line, written after its 2xx was read. Prints one line of JSON.
#include "base/buf.h"
#include "base/clock.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/panic.h"
#include "base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

enum {
    CONNECTIONS_MAX = 1024,
    OUTSTANDING_MAX = 200000, // messages waiting for a connection; with more the run is given up
    LATENCY_BUCKETS = 1400,   // each 1.01 times wider than the last, from 10 µs
    GRACE_MS = 180000,        // for slow machines; only a failing run takes so long
    PAUSE_FIRST_MS = 100,
    PAUSE_LIMIT_MS = 1600,
    FLUSH_MS = 100,
    STATUS_MAX = 600,
};

struct message {
    struct list link; // idle: in waiting or in later
    uint64_t number;
    int64_t due_us;
    int64_t again_ms; // not before
    int64_t pause_ms; // the longest before the next repetition
};

struct connection {
    struct run *run;
    uv_tcp_t tcp;
    uv_timer_t reconnect;
    bool open, closing;
    struct message *message; // sent, not answered
    struct buf in;
    struct buf out;
    uv_write_t write;
};

struct run {
    uv_loop_t *loop;
    struct sockaddr_in address;
    struct str number, name, authorization;
    double rate;
    int64_t connections, seconds, phones, retry;
    int journal;
    struct buf journal_lines;
    struct list waiting; // messages to send, oldest first
    struct list later;   // to be sent again after a pause
    size_t outstanding;  // not acknowledged yet
    uint64_t made, acknowledged, repeated, lost_connections, statuses[STATUS_MAX];
    uint64_t latencies[LATENCY_BUCKETS];
    double slowest_us;
    int64_t start_us, end_us;
    uv_timer_t tick, flush;
    uv_signal_t terminate;
    struct connection pool[CONNECTIONS_MAX];
    struct random random;
};

static void connection_serve(struct connection *connection);
static void connection_open(uv_timer_t *timer);

static void latency_count(struct run *run, double microseconds)
{
    double bucket = microseconds <= 10 ? 0 : log(microseconds / 10) / log(1.01);

    run->latencies[bucket < LATENCY_BUCKETS - 1 ? (size_t)bucket : LATENCY_BUCKETS - 1]++;
    if (microseconds > run->slowest_us)
        run->slowest_us = microseconds;
}

static double latency_percentile(const struct run *run, double share)
{
    uint64_t wanted = (uint64_t)ceil((double)run->acknowledged * share), seen = 0;

    for (size_t i = 0; i < LATENCY_BUCKETS; i++) {
        seen += run->latencies[i];
        if (seen >= wanted && wanted > 0)
            return 10 * pow(1.01, (double)i + 0.5);
    }
    return 0;
}

static void journal_flush(struct run *run)
{
    size_t done = 0;

    while (run->journal >= 0 && done < run->journal_lines.len) {
        ssize_t count =
            write(run->journal, run->journal_lines.data + done, run->journal_lines.len - done);
        if (count < 0)
            die("load: cannot write the journal: %s", strerror(errno));
        done += (size_t)count;
    }
    buf_clear(&run->journal_lines);
}

static void message_make(struct run *run, int64_t due_us)
{
    struct message *message = heap_new(sizeof *message);
    if (run->outstanding >= OUTSTANDING_MAX)
        die("load: %d messages are waiting: the rate is far above the system's limit",
            OUTSTANDING_MAX);
    message->number = run->made++;
    message->due_us = due_us;
    message->pause_ms = PAUSE_FIRST_MS;
    run->outstanding++;
    list_append(&run->waiting, &message->link);
}

static void message_acknowledged(struct run *run, struct message *message)
{
    int64_t now = clock_monotonic_us();

    run->acknowledged++;
    run->outstanding--;
    latency_count(run, (double)(now - message->due_us));
    buf_printf(&run->journal_lines, "%.*s-%llu\n", STR_ARG(run->name),
               (unsigned long long)message->number);
    if (run->journal_lines.len > 64 * 1024)
        journal_flush(run);
    free(message);
}

// There was no 2xx: the message may be stored or not; the same message_id is sent again.
static void message_refused(struct run *run, struct message *message)
{
    if (!run->retry) {
        run->outstanding--;
        free(message);
        return;
    }
    run->repeated++;
    message->again_ms = clock_monotonic_ms() + message->pause_ms / 2 +
                        (int64_t)random_below(&run->random, (uint64_t)message->pause_ms / 2);
    if (message->pause_ms < PAUSE_LIMIT_MS)
        message->pause_ms *= 2;
    list_append(&run->later, &message->link);
}

static void request_write(struct run *run, const struct message *message, struct buf *out)
{
    AUTO(buf) body = {0};
    uint64_t phone = message->number * 2654435761U % (uint64_t)run->phones;

    buf_printf(
        &body,
        "{\"message_id\":\"%.*s-%llu\",\"phone_number\":\"+1650%07llu\",\"shortcode\":\"%.*s\","
        "\"message\":\"Is my parcel on its way? I am at home until five o'clock.\"}",
        STR_ARG(run->name), (unsigned long long)message->number, (unsigned long long)phone,
        STR_ARG(run->number));
    buf_clear(out);
    buf_printf(out,
               "POST /nexus/v3/sms/message HTTP/1.1\r\nHost: nexus\r\nAuthorization: Basic %.*s\r\n"
               "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
               STR_ARG(run->authorization), body.len);
    buf_str_append(out, buf_str(&body));
}

static void connection_closed(uv_handle_t *handle)
{
    struct connection *connection = handle->data;

    connection->closing = false;
    if (connection->run->loop)
        uv_timer_start(&connection->reconnect, connection_open, 50, 0);
}

static void connection_lost(struct connection *connection)
{
    struct run *run = connection->run;

    if (connection->closing)
        return;
    run->lost_connections++;
    connection->open = false;
    connection->closing = true;
    buf_clear(&connection->in);
    if (connection->message)
        message_refused(run, connection->message);
    connection->message = NULL;
    uv_close((uv_handle_t *)&connection->tcp, connection_closed);
}

// The status of the answer at the start of the input; 0 while it is incomplete.
static int answer_take(struct buf *in)
{
    const char *end = in->len > 4 ? memmem(in->data, in->len, "\r\n\r\n", 4) : NULL;
    static const char length_name[] = "content-length:";
    int64_t body = 0, status;

    if (!end)
        return 0;
    size_t head = (size_t)(end - in->data) + 4;
    struct str rest = str_make(in->data, head), line;
    while (str_cut(rest, '\n', &line, &rest)) {
        struct str text = str_trim(line);
        if (text.len > sizeof length_name &&
            strncasecmp(text.ptr, length_name, sizeof length_name - 1) == 0 &&
            !str_to_int(str_trim(str_skip(text, sizeof length_name - 1)), 0, 1 << 20, &body))
            return -1;
    }
    if (in->len < head + (size_t)body)
        return 0;
    if (!str_to_int(str_make(in->data + 9, 3), 100, 599, &status))
        return -1;
    buf_consume(in, head + (size_t)body);
    return (int)status;
}

static void connection_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *bytes)
{
    struct connection *connection = stream->data;
    struct run *run = connection->run;

    (void)bytes;
    if (count < 0) {
        connection_lost(connection);
        return;
    }
    connection->in.len += (size_t)count;
    int status = answer_take(&connection->in);
    if (status < 0 || (status > 0 && !connection->message)) {
        connection_lost(connection);
        return;
    }
    if (status == 0)
        return;
    struct message *message = connection->message;
    connection->message = NULL;
    run->statuses[status]++;
    if (status >= 200 && status < 300)
        message_acknowledged(run, message);
    else
        message_refused(run, message);
    if (run->rate <= 0 && clock_monotonic_us() < run->end_us)
        message_make(run, clock_monotonic_us());
    connection_serve(connection);
}

static void connection_room(uv_handle_t *handle, size_t suggested, uv_buf_t *room)
{
    struct connection *connection = handle->data;

    (void)suggested;
    *room = uv_buf_init(buf_reserve(&connection->in, 4096), 4096);
}

static void connection_written(uv_write_t *write, int status)
{
    if (status < 0 && status != UV_ECANCELED)
        connection_lost(write->data);
}

static void connection_serve(struct connection *connection)
{
    struct run *run = connection->run;

    if (!connection->open || connection->message || list_is_empty(&run->waiting))
        return;
    connection->message = LIST_FIRST(&run->waiting, struct message, link);
    list_remove(&connection->message->link);
    request_write(run, connection->message, &connection->out);
    uv_buf_t bytes = uv_buf_init(connection->out.data, (unsigned)connection->out.len);
    connection->write.data = connection;
    if (uv_write(&connection->write, (uv_stream_t *)&connection->tcp, &bytes, 1,
                 connection_written) != 0)
        connection_lost(connection);
}

static void connection_connected(uv_connect_t *connect, int status)
{
    struct connection *connection = connect->data;

    free(connect);
    if (status < 0) {
        if (status != UV_ECANCELED)
            connection_lost(connection);
        return;
    }
    connection->open = true;
    uv_tcp_nodelay(&connection->tcp, 1);
    uv_read_start((uv_stream_t *)&connection->tcp, connection_room, connection_read);
    connection_serve(connection);
}

static void connection_open(uv_timer_t *timer)
{
    struct connection *connection = timer->data;
    uv_connect_t *connect = heap_new(sizeof *connect);
    uv_tcp_init(connection->run->loop, &connection->tcp);
    connection->tcp.data = connection;
    connect->data = connection;
    if (uv_tcp_connect(connect, &connection->tcp,
                       (const struct sockaddr *)&connection->run->address,
                       connection_connected) == 0)
        return;
    free(connect);
    connection_lost(connection);
}

static void serve_all(struct run *run)
{
    for (int64_t i = 0; i < run->connections && !list_is_empty(&run->waiting); i++)
        connection_serve(&run->pool[i]);
}

// Each millisecond: makes messages that are due, repeats refused ones, and ends the run.
static void tick(uv_timer_t *timer)
{
    struct run *run = timer->data;
    int64_t now = clock_monotonic_us();

    while (run->rate > 0) {
        int64_t due = run->start_us + (int64_t)((double)run->made * 1e6 / run->rate);
        if (due > now || due >= run->end_us)
            break;
        message_make(run, due);
    }
    LIST_EACH (&run->later, struct message, link, message) {
        if (message->again_ms <= now / 1000) {
            list_remove(&message->link);
            list_append(&run->waiting, &message->link);
        }
    }
    serve_all(run);
    if (now >= run->end_us && (run->outstanding == 0 || now >= run->end_us + GRACE_MS * 1000))
        uv_stop(run->loop);
}

static void flush(uv_timer_t *timer)
{
    journal_flush(timer->data);
}

static void terminate_received(uv_signal_t *signal, int number)
{
    struct run *run = signal->data;
    int64_t now = clock_monotonic_us();

    (void)number;
    run->end_us = now < run->end_us ? now : run->end_us;
}

static void result_print(struct run *run)
{
    static const struct {
        const char *name;
        double share;
    } percentiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}};
    double seconds = (double)(run->end_us - run->start_us) / 1e6;
    char text[320]; // the length of the longest double
    AUTO(buf) out = {0};

    json_open(&out, '{');
    json_key_int(&out, "made", (int64_t)run->made);
    json_key_int(&out, "acknowledged", (int64_t)run->acknowledged);
    json_key_int(&out, "perSecond", (int64_t)((double)run->acknowledged / seconds));
    json_key_int(&out, "repeated", (int64_t)run->repeated);
    json_key_int(&out, "unanswered", (int64_t)run->outstanding);
    json_key_int(&out, "lostConnections", (int64_t)run->lost_connections);
    json_key(&out, "statuses");
    json_open(&out, '{');
    for (int i = 0; i < STATUS_MAX; i++) {
        snprintf(text, sizeof text, "%d", i);
        if (run->statuses[i])
            json_key_int(&out, text, (int64_t)run->statuses[i]);
    }
    json_close(&out, '}');
    json_key(&out, "latencyMs");
    json_open(&out, '{');
    for (size_t i = 0; i < COUNT_OF(percentiles); i++) {
        snprintf(text, sizeof text, "%.2f", latency_percentile(run, percentiles[i].share) / 1000);
        json_key_raw(&out, percentiles[i].name, str_of(text));
    }
    snprintf(text, sizeof text, "%.2f", run->slowest_us / 1000);
    json_key_raw(&out, "max", str_of(text));
    json_close(&out, '}');
    json_close(&out, '}');
    printf("%s\n", buf_c_string(&out));
}

struct settings {
    const char *host, *ccid, *key, *number, *name, *journal;
    int64_t port, rate, connections, seconds, phones, retry;
};

static void settings_read(int argc, char **argv, struct settings *settings)
{
    static const char *const names[] = {"host",        "ccid",    "key",    "number",
                                        "name",        "journal", "port",   "rate",
                                        "connections", "seconds", "phones", "retry"};
    const char **texts[] = {&settings->host,   &settings->ccid, &settings->key,
                            &settings->number, &settings->name, &settings->journal};
    int64_t *numbers[] = {&settings->port,    &settings->rate,   &settings->connections,
                          &settings->seconds, &settings->phones, &settings->retry};
    struct option options[COUNT_OF(names) + 1] = {0};
    int index;

    for (size_t i = 0; i < COUNT_OF(names); i++)
        options[i] = (struct option){.name = names[i], .has_arg = required_argument};
    while (getopt_long(argc, argv, "", options, &index) == 0) {
        size_t at = (size_t)index;
        if (at < COUNT_OF(texts))
            *texts[at] = optarg;
        else if (!str_to_int(str_of(optarg), 0, 10000000, numbers[at - COUNT_OF(texts)]))
            die("load: --%s must be a whole number", names[at]);
    }
    if (!settings->port || !settings->ccid || !settings->key || !settings->number)
        die("usage: load --port P --ccid C --key K --number N [--rate R] [--connections 64] "
            "[--seconds 10]");
    if (settings->connections < 1 || settings->connections > CONNECTIONS_MAX)
        die("load: --connections must be 1 to %d", CONNECTIONS_MAX);
}

int main(int argc, char **argv)
{
    struct settings settings = {.host = "127.0.0.1",
                                .name = "load",
                                .connections = 64,
                                .seconds = 10,
                                .phones = 20000,
                                .retry = 1};
    AUTO(buf) authorization = {0};
    AUTO(buf) credentials = {0};
    struct run *run = heap_new(sizeof *run);
    settings_read(argc, argv, &settings);
    buf_printf(&credentials, "%s:%s", settings.ccid, settings.key);
    buf_base64(&authorization, buf_str(&credentials));
    run->loop = uv_default_loop();
    run->number = str_of(settings.number);
    run->name = str_of(settings.name);
    run->authorization = buf_str(&authorization);
    run->rate = (double)settings.rate;
    run->connections = settings.connections;
    run->seconds = settings.seconds;
    run->phones = settings.phones;
    run->retry = settings.retry;
    run->journal =
        settings.journal ? open(settings.journal, O_WRONLY | O_CREAT | O_TRUNC, 0644) : -1;
    if (settings.journal && run->journal < 0)
        die("load: cannot open %s: %s", settings.journal, strerror(errno));
    if (uv_ip4_addr(settings.host, (int)settings.port, &run->address) != 0)
        die("load: --host must be an IPv4 address");
    random_bytes(&run->random, sizeof run->random);
    list_init(&run->waiting);
    list_init(&run->later);

    run->start_us = clock_monotonic_us();
    run->end_us = run->start_us + run->seconds * 1000000;
    for (int64_t i = 0; i < run->connections; i++) {
        struct connection *connection = &run->pool[i];
        connection->run = run;
        uv_timer_init(run->loop, &connection->reconnect);
        connection->reconnect.data = connection;
        connection_open(&connection->reconnect);
        if (run->rate <= 0)
            message_make(run, run->start_us);
    }
    uv_timer_init(run->loop, &run->tick);
    run->tick.data = run;
    uv_timer_start(&run->tick, tick, 1, 1);
    uv_timer_init(run->loop, &run->flush);
    run->flush.data = run;
    uv_timer_start(&run->flush, flush, FLUSH_MS, FLUSH_MS);
    uv_signal_init(run->loop, &run->terminate);
    run->terminate.data = run;
    uv_signal_start(&run->terminate, terminate_received, SIGTERM);
    uv_run(run->loop, UV_RUN_DEFAULT);
    journal_flush(run);
    result_print(run);
    return run->outstanding > 0 && run->retry ? 1 : 0;
}
