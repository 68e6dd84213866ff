// log: lines wait in one buffer and leave with one write a round of the loop.
#include "log.h"

#include "buf.h"
#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WAITING_LIMIT = 256 * 1024, FLUSH_AT = 16 * 1024 };

static struct {
    const char *service, *instance;
    enum log_level level;
    struct buf waiting;
    uint64_t dropped, dropped_said;
} state = {.service = "nexus", .instance = "", .level = LOG_LEVEL_INFO};

static const char *const level_names[] = {"debug", "info", "warn", "error"};

void log_init(const char *service, const char *instance, enum log_level level)
{
    struct stat out;

    state.service = service;
    state.instance = instance;
    state.level = level;
    // Only a pipe: O_NONBLOCK on a terminal or file would change it for others that share it.
    if (fstat(STDOUT_FILENO, &out) == 0 && S_ISFIFO(out.st_mode))
        fcntl(STDOUT_FILENO, F_SETFL, fcntl(STDOUT_FILENO, F_GETFL) | O_NONBLOCK);
}

void log_set_level(enum log_level level)
{
    state.level = level;
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

static void log_line(struct buf *out, enum log_level level, const char *event,
                     const struct log_field *fields, size_t count)
{
    json_open(out, '{');
    json_key(out, "time");
    buf_byte(out, '"');
    buf_time(out, clock_unix_us());
    buf_byte(out, '"');
    json_key_str(out, "level", str_of(level_names[level]));
    json_key_str(out, "service", str_of(state.service));
    json_key_str(out, "instance", str_of(state.instance));
    json_key_str(out, "event", str_of(event));
    for (size_t i = 0; i < count && fields[i].name; i++) {
        switch (fields[i].kind) {
        case LOG_FIELD_STR: json_key_str(out, fields[i].name, fields[i].text); break;
        case LOG_FIELD_INT: json_key_int(out, fields[i].name, fields[i].number); break;
        case LOG_FIELD_ID: json_key_id(out, fields[i].name, fields[i].id); break;
        }
    }
    json_close(out, '}');
    buf_byte(out, '\n');
}

void log_event(enum log_level level, const char *event, const struct log_field *fields,
               size_t count)
{
    if (level < state.level)
        return;
    if (state.waiting.len > WAITING_LIMIT) {
        log_flush();
        if (state.waiting.len > WAITING_LIMIT) {
            state.dropped++;
            return;
        }
    }
    if (state.dropped != state.dropped_said) {
        uint64_t count_dropped = state.dropped;
        state.dropped_said = count_dropped;
        log_line(&state.waiting, LOG_LEVEL_WARN, "log.dropped", &LOG_INT("lines", count_dropped),
                 1);
    }
    log_line(&state.waiting, level, event, fields, count);
    if (level >= LOG_LEVEL_WARN || state.waiting.len > FLUSH_AT)
        log_flush();
}

void log_flush(void)
{
    while (state.waiting.len > 0) {
        ssize_t written = write(STDOUT_FILENO, state.waiting.data, state.waiting.len);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0 && errno != EAGAIN)
            buf_clear(&state.waiting); // nobody listens any more
        if (written <= 0)
            return;
        buf_consume(&state.waiting, (size_t)written);
    }
}
