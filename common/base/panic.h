// panic: three calls for faults that are not errors of the input.
//
//   ASSERT(x)      a defect of the program: print expression, file and line, abort. On in
//                  release.
//   panic("…")     the same, with a sentence.
//   die("…")       the environment is bad at start-up: one clear line on stderr, exit 125, which
//                  tells the supervisor not to restart the process until it was repaired.
//
// Expected errors use none of these: the function returns false with a struct err (err.h).
#pragma once

#include "base/attributes.h"

#define EXIT_PERMANENT 125

NO_RETURN void panic_at(const char *file, int line, const char *format, ...) PRINTF_LIKE(3, 4);
NO_RETURN void die(const char *format, ...) PRINTF_LIKE(1, 2);

#define panic(...) panic_at(__FILE__, __LINE__, __VA_ARGS__)
#define ASSERT(expression)                                                                         \
    do {                                                                                           \
        if (!(expression))                                                                         \
            panic_at(__FILE__, __LINE__, "assertion failed: %s", #expression);                     \
    } while (0)
