// log: one JSON line an event on stdout: time, level, service, instance, event, then typed fields.
//
//   LOG_INFO("sms.sent", LOG_ID("messageId", id), LOG_INT("attempt", 2));
//
// An event has a name and fields, never a sentence with holes, so nothing personal slips in by
// printf. Phone numbers, message text, secrets and signatures have no LOG_ macro and are never
// logged. Libraries return errors; the owner of the task logs once.
//
// A reader that does not read never blocks the program: stdout is set non-blocking where it is a
// pipe, up to 256 KiB wait in memory, the rest is dropped and counted (log_dropped()), and the next
// line that fits says so.
#pragma once

#include "id.h"
#include "str.h"

#include <stdint.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

struct log_field {
    const char *name;
    enum { LOG_FIELD_STR, LOG_FIELD_INT, LOG_FIELD_ID } kind;
    struct str text;
    int64_t number;
    struct id id;
};

#define LOG_STR(field, value)                                                                      \
    ((struct log_field){.name = (field), .kind = LOG_FIELD_STR, .text = (value)})
#define LOG_INT(field, value)                                                                      \
    ((struct log_field){.name = (field), .kind = LOG_FIELD_INT, .number = (int64_t)(value)})
#define LOG_ID(field, value)                                                                       \
    ((struct log_field){.name = (field), .kind = LOG_FIELD_ID, .id = (value)})
// The code and text of a struct err *.
#define LOG_ERR(err) LOG_STR("error", err_name((err)->code)), LOG_STR("detail", str_of((err)->text))

// Call once, before the first line; both strings must outlive the program. The state of the log is
// the one process-wide state there is: stdout is, too.
void log_init(const char *service, const char *instance, enum log_level level);
void log_set_level(enum log_level level);
MUST_USE bool log_level_parse(struct str text, enum log_level *level);
void log_event(enum log_level level, const char *event, const struct log_field *fields,
               size_t count);
// Writes what waits; called from the service's loop once a round, and at exit.
void log_flush(void);
uint64_t log_dropped(void);

#define LOG_AT(level, event, ...)                                                                  \
    log_event((level), (event), (const struct log_field[]){__VA_ARGS__},                           \
              sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))
#define LOG_DEBUG(...) LOG_AT(LOG_LEVEL_DEBUG, __VA_ARGS__, LOG_END)
#define LOG_INFO(...)  LOG_AT(LOG_LEVEL_INFO, __VA_ARGS__, LOG_END)
#define LOG_WARN(...)  LOG_AT(LOG_LEVEL_WARN, __VA_ARGS__, LOG_END)
#define LOG_ERROR(...) LOG_AT(LOG_LEVEL_ERROR, __VA_ARGS__, LOG_END)
#define LOG_END        ((struct log_field){.name = NULL})
