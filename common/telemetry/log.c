// log: lines wait in one buffer and are written once a round of the loop. Into a pipe they are
// written as whole lines in writes of at most PIPE_BUF bytes, which the kernel does not split.
#include "telemetry/log.h"

#include "base/buf.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WAITING_LIMIT = 256 * 1024, FLUSH_AT = 16 * 1024 };

static struct {
    const char *service, *instance;
    enum log_level level;
    int descriptor;
    enum { SINK_FILE, SINK_PIPE, SINK_SOCKET } sink;
    struct buf waiting;
    uint64_t dropped, dropped_said;
    uint64_t written, read_before; // bytes into the pipe, and how many were read of them
    unsigned unread_looks;         // that found no progress
} state = {
    .service = "nexus", .instance = "", .level = LOG_LEVEL_INFO, .descriptor = STDOUT_FILENO};

static const char *const level_names[] = {"debug", "info", "warn", "error"};

// Never waits for the reader. A pipe or terminal is opened once more, so that only our descriptor
// is non-blocking and not that of other programs that share it. If it cannot be opened (it belongs
// to another user), the shared descriptor of a pipe is made non-blocking.
static void sink_open(void)
{
    struct stat out;
    bool known = fstat(STDOUT_FILENO, &out) == 0, pipe = known && S_ISFIFO(out.st_mode);

    state.descriptor = STDOUT_FILENO;
    state.sink = pipe ? SINK_PIPE : known && S_ISSOCK(out.st_mode) ? SINK_SOCKET : SINK_FILE;
    if (!pipe && !isatty(STDOUT_FILENO))
        return;
    int own = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (own >= 0)
        state.descriptor = own;
    else if (pipe)
        fcntl(STDOUT_FILENO, F_SETFL, fcntl(STDOUT_FILENO, F_GETFL) | O_NONBLOCK);
}

void log_init(const char *service, const char *instance, enum log_level level)
{
    state.service = service;
    state.instance = instance;
    state.level = level;
    sink_open();
}

void log_set_level(enum log_level level)
{
    state.level = level;
}

bool log_wants(enum log_level level)
{
    return level >= state.level;
}

bool log_level_parse(struct str text, enum log_level *level)
{
    for (size_t i = 0; i < COUNT_OF(level_names); i++) {
        if (str_equal(text, str_of(level_names[i]))) {
            *level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

uint64_t log_dropped(void)
{
    return state.dropped;
}

static void field_write(struct buf *out, const struct log_field *field)
{
    char text[TRACE_ID_LENGTH];

    switch (field->kind) {
    case LOG_FIELD_STR: json_key_str(out, field->name, field->text); break;
    case LOG_FIELD_INT: json_key_int(out, field->name, field->number); break;
    case LOG_FIELD_ID: json_key_id(out, field->name, field->id); break;
    case LOG_FIELD_TRACE:
        json_key_str(out, field->name,
                     trace_is_none(field->trace) ? STR_ABSENT : trace_id_text(field->trace, text));
        break;
    }
}

static void line_write(enum log_level level, const char *event, const struct log_field *fields,
                       size_t count)
{
    struct buf *out = &state.waiting;

    json_open(out, '{');
    json_key(out, "time");
    buf_byte(out, '"');
    buf_time(out, clock_unix_us());
    buf_byte(out, '"');
    json_key_str(out, "level", str_of(level_names[level]));
    json_key_str(out, "service", str_of(state.service));
    json_key_str(out, "instance", str_of(state.instance));
    json_key_str(out, "event", str_of(event));
    for (size_t i = 0; i < count && fields[i].name; i++)
        field_write(out, &fields[i]);
    json_close(out, '}');
    buf_byte(out, '\n');
}

// lines: how many this process has dropped in all, as the metric counts them.
static void drops_say(void)
{
    if (state.dropped == state.dropped_said)
        return;
    state.dropped_said = state.dropped;
    line_write(LOG_LEVEL_WARN, "log.dropped", &LOG_INT("lines", state.dropped), 1);
}

// False: dropped.
static bool room_make(void)
{
    if (state.waiting.len > WAITING_LIMIT)
        log_flush();
    if (state.waiting.len > WAITING_LIMIT) {
        state.dropped++;
        return false;
    }
    drops_say();
    return true;
}

void log_event(enum log_level level, const char *event, const struct log_field *fields,
               size_t count)
{
    if (!log_wants(level) || !room_make())
        return;
    line_write(level, event, fields, count);
    if (level >= LOG_LEVEL_WARN || state.waiting.len > FLUSH_AT)
        log_flush();
}

void log_turn(int steps)
{
    int level = (int)state.level + steps;

    level = level < LOG_LEVEL_DEBUG   ? LOG_LEVEL_DEBUG
            : level > LOG_LEVEL_ERROR ? LOG_LEVEL_ERROR
                                      : level;
    state.level = (enum log_level)level;
    if (room_make())
        line_write(LOG_LEVEL_INFO, "log.level_changed", &LOG_STR("to", str_of(level_names[level])),
                   1);
}

// ---- out

// As many whole lines as fit into PIPE_BUF; a longer line is written alone and may be split.
static size_t lines_length(struct str text)
{
    if (text.len <= PIPE_BUF)
        return text.len;
    const char *last = memrchr(text.ptr, '\n', PIPE_BUF);
    if (!last)
        last = memchr(text.ptr, '\n', text.len);
    return last ? (size_t)(last - text.ptr) + 1 : text.len;
}

static ssize_t bytes_write(struct str text)
{
    switch (state.sink) {
    case SINK_PIPE: return write(state.descriptor, text.ptr, lines_length(text));
    case SINK_SOCKET:
        return send(state.descriptor, text.ptr, text.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    case SINK_FILE: break;
    }
    return write(state.descriptor, text.ptr, text.len);
}

static void waiting_write(void)
{
    size_t done = 0;

    while (done < state.waiting.len) {
        ssize_t written = bytes_write(str_skip(buf_str(&state.waiting), done));
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0 && errno != EAGAIN)
            done = state.waiting.len; // the reader is gone
        if (written <= 0)
            break;
        done += (size_t)written;
        state.written += (uint64_t)written;
    }
    buf_consume(&state.waiting, done);
}

void log_flush(void)
{
    waiting_write();
    if (state.waiting.len == 0 && state.dropped != state.dropped_said) {
        drops_say(); // the next event may come much later
        waiting_write();
    }
}

// A pipe also tells its writer how many bytes are unread.
void log_look(void)
{
    int unread = 0;

    if (state.sink != SINK_PIPE || ioctl(state.descriptor, FIONREAD, &unread) != 0)
        return;
    uint64_t read_now = state.written - (uint64_t)unread;
    bool stands_still = unread > 0 && read_now == state.read_before;
    state.unread_looks = stands_still ? state.unread_looks + 1 : 0;
    state.read_before = read_now;
}

bool log_is_stuck(void)
{
    return state.unread_looks >= LOG_STUCK_S;
}
