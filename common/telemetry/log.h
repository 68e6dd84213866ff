// log: one JSON line on stdout for each event: time, level, service, instance, event, typed fields.
//
//   LOG_INFO("sms.sent", LOG_TRACE(&trace), LOG_ID("messageId", id), LOG_INT("attempt", 2));
//
// An event has a name and fields and never a format string, so printf cannot add personal data.
// Message text, secrets and signatures have no LOG_ macro and are never logged; a person has one,
// LOG_TOKEN, which takes only a token (secrets/log_token.h). Libraries return errors; the owner of
// the task logs once, with the trace, the tenant and the ids it has.
//
// A slow reader never blocks the program: a pipe, a terminal or a socket is written without
// waiting, up to 256 KiB wait in memory, and the rest is dropped and counted (log_dropped()), and
// the first line that fits again says how many. Only whole lines are written into a pipe, so the
// lines of several programs that share it do not mix.
#pragma once

#include "base/id.h"
#include "base/str.h"
#include "telemetry/trace.h"

#include <stdint.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

// A person's number or address as a log may show it: enough to find the lines about a known person,
// not enough to identify an unknown one. Made by secrets/log_token.h.
enum { LOG_TOKEN_BYTES = 96 };
struct log_token {
    char text[LOG_TOKEN_BYTES]; // "" is logged as null
};

struct log_field {
    const char *name;
    enum { LOG_FIELD_STR, LOG_FIELD_INT, LOG_FIELD_ID, LOG_FIELD_TRACE } kind;
    struct str text;
    int64_t number;
    struct id id;
    const struct trace *trace;
};

#define LOG_STR(field, value)                                                                      \
    ((struct log_field){.name = (field), .kind = LOG_FIELD_STR, .text = (value)})
#define LOG_INT(field, value)                                                                      \
    ((struct log_field){.name = (field), .kind = LOG_FIELD_INT, .number = (int64_t)(value)})
#define LOG_ID(field, value)                                                                       \
    ((struct log_field){.name = (field), .kind = LOG_FIELD_ID, .id = (value)})
// "traceId" of a const struct trace *; null where it is none.
#define LOG_TRACE(value)                                                                           \
    ((struct log_field){.name = "traceId", .kind = LOG_FIELD_TRACE, .trace = (value)})
// "tenant": its number, as nexusctl prints it; 0 for those who act for all.
#define LOG_TENANT(value)       LOG_INT("tenant", value)
#define LOG_TOKEN(field, value) LOG_STR(field, log_token_text(&(value)))
// The code and text of a struct err *.
#define LOG_ERR(err) LOG_STR("error", err_name((err)->code)), LOG_STR("detail", str_of((err)->text))

static inline struct str log_token_text(const struct log_token *person)
{
    return person->text[0] ? str_of(person->text) : STR_ABSENT;
}

// Call once, before the first line; both strings must outlive the program. The state of the log is
// the one process-wide state there is: stdout is, too.
void log_init(const char *service, const char *instance, enum log_level level);
void log_set_level(enum log_level level);
// One level more detailed (-1) or less (1), within the range of levels. The change is always
// logged.
void log_turn(int steps);
MUST_USE bool log_level_parse(struct str text, enum log_level *level);
// Would a line of this level be written? For lines whose fields are expensive.
bool log_wants(enum log_level level);
void log_event(enum log_level level, const char *event, const struct log_field *fields,
               size_t count);
// Writes what waits; called from the service's loop once a round, and at exit.
void log_flush(void);
uint64_t log_dropped(void);
// True if stdout is a pipe whose reader has read nothing during the last LOG_STUCK_S calls of
// log_look(), although there was something to read.
bool log_is_stuck(void);
void log_look(void); // once a second
enum { LOG_STUCK_S = 5 };

#define LOG_AT(level, event, ...)                                                                  \
    log_event((level), (event), (const struct log_field[]){__VA_ARGS__},                           \
              sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))
// The one level that is off in production costs a call, and none of its fields.
#define LOG_DEBUG(...)                                                                             \
    do {                                                                                           \
        if (log_wants(LOG_LEVEL_DEBUG))                                                            \
            LOG_AT(LOG_LEVEL_DEBUG, __VA_ARGS__, LOG_END);                                         \
    } while (0)
#define LOG_INFO(...)  LOG_AT(LOG_LEVEL_INFO, __VA_ARGS__, LOG_END)
#define LOG_WARN(...)  LOG_AT(LOG_LEVEL_WARN, __VA_ARGS__, LOG_END)
#define LOG_ERROR(...) LOG_AT(LOG_LEVEL_ERROR, __VA_ARGS__, LOG_END)
#define LOG_END        ((struct log_field){.name = NULL})
