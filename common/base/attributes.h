// attributes: the compiler's promises that every file uses, under readable names.
#pragma once

#include <stddef.h>

#define MUST_USE                 __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))
#define NO_RETURN                __attribute__((noreturn))
#define UNUSED                   __attribute__((unused))

// AUTO(buf) = …; releases a value with <type>_release() when it goes out of scope.
#define AUTO(type) __attribute__((cleanup(type##_release))) struct type

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

// The structure around an embedded member; the one place that goes from part to whole.
#define CONTAINER_OF(pointer, type, member)                                                        \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))
