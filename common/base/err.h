// err: why something failed, for the client's answer and for the log.
//
//   bool port_parse(struct str text, int *port, struct err *err)
//   {
//       if (…) return err_set(err, ERR_BAD_INPUT, "port is %d, limit %d", n, max);
//       …
//   }
//
// err_set() returns false, so failing is one statement. The text goes to clients: it names fields
// and rules, never values that may be personal or secret. Outputs are untouched on failure.
#pragma once

#include "base/attributes.h"
#include "base/str.h"

#include <stdbool.h>

enum err_code {
#define ERROR(id, code, http, symbolic, retry, title) ERR_##id,
#include "base/errors.def"
#undef ERROR
    ERR_COUNT
};

struct err {
    enum err_code code;
    char text[232]; // always NUL-terminated; longer text is cut
};

bool err_set(struct err *err, enum err_code code, const char *format, ...) PRINTF_LIKE(3, 4);
// Puts "where: " before the text; returns false.
bool err_in(struct err *err, const char *where);

struct str err_name(enum err_code code);     // "bad_input"
int err_http_status(enum err_code code);     // 400
struct str err_symbolic(enum err_code code); // "INVALID_PARAMETER"
struct str err_title(enum err_code code);
bool err_is_retryable(enum err_code code); // worth a Retry-After
