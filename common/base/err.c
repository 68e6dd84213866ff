// err: the table of errors.def, looked at from its columns.
#include "base/err.h"

#include "base/panic.h"

#include <stdarg.h>
#include <stdio.h>

enum { RETRY_NO, RETRY_LATER };

struct row {
    struct str name, symbolic, title;
    int http;
    bool retry;
};

static const struct row rows[ERR_COUNT] = {
#define ERROR(id, code, http_status, symbolic_code, retry_class, title_text)                       \
    [ERR_##id] = {.name = STR_INIT(code),                                                          \
                  .symbolic = STR_INIT(symbolic_code),                                             \
                  .title = STR_INIT(title_text),                                                   \
                  .http = http_status,                                                             \
                  .retry = RETRY_##retry_class},
#include "base/errors.def"
#undef ERROR
};

bool err_set(struct err *err, enum err_code code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    err->code = code;
    vsnprintf(err->text, sizeof err->text, format, arguments);
    va_end(arguments);
    return false;
}

bool err_in(struct err *err, const char *where)
{
    char text[sizeof err->text];
    memcpy(text, err->text, sizeof text);
    return err_set(err, err->code, "%s: %.200s", where, text);
}

static const struct row *row_of(enum err_code code)
{
    ASSERT((unsigned)code < ERR_COUNT);
    return &rows[code];
}

struct str err_name(enum err_code code)
{
    return row_of(code)->name;
}

int err_http_status(enum err_code code)
{
    return row_of(code)->http;
}

struct str err_symbolic(enum err_code code)
{
    return row_of(code)->symbolic;
}

struct str err_title(enum err_code code)
{
    return row_of(code)->title;
}

bool err_is_retryable(enum err_code code)
{
    return row_of(code)->retry;
}
