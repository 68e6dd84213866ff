// panic: the three verbs for trouble that is not an error of the input (style: PF severities).
//
//   ASSERT(x)      I am wrong: print expression, file and line, abort with a core. On in release.
//   panic("…")     the same, with a sentence.
//   die("…")       the environment is bad at start-up: one clear line on stderr, exit 125, which
//   the
//                  supervisor takes as "do not restart me until somebody mended it".
//
// Expected trouble is none of these: it returns false with a struct err (err.h).
#pragma once

#include "attributes.h"

#define EXIT_PERMANENT 125

NO_RETURN void panic_at(const char *file, int line, const char *format, ...) PRINTF_LIKE(3, 4);
NO_RETURN void die(const char *format, ...) PRINTF_LIKE(1, 2);

#define panic(...) panic_at(__FILE__, __LINE__, __VA_ARGS__)
#define ASSERT(expression)                                                                         \
    do {                                                                                           \
        if (!(expression))                                                                         \
            panic_at(__FILE__, __LINE__, "assertion failed: %s", #expression);                     \
    } while (0)
