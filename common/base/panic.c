// panic: the last message of a process. On a terminal it is plain text; in a log it is a JSON line
// like all others. It is built on the stack, because no memory may be left.
#include "base/panic.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { WORDS_LIMIT = 1024 };

static void text_write(const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        if (*c == '"' || *c == '\\')
            fprintf(stderr, "\\%c", *c);
        else if (*c < ' ')
            fprintf(stderr, "\\u%04x", *c);
        else
            fputc(*c, stderr);
}

static void line_write(const char *event, const char *words)
{
    struct timespec now = {0};
    struct tm utc = {0};
    char time[32] = "";

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%S", &utc);
    fprintf(stderr,
            "{\"time\":\"%s.%03ldZ\",\"level\":\"error\",\"service\":\"%s\",\"event\":\"%s\",",
            time, now.tv_nsec / 1000000, program_invocation_short_name, event);
    fputs("\"text\":\"", stderr);
    text_write(words);
    fputs("\"}\n", stderr);
}

static void say(const char *event, const char *words)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "%s\n", words);
    else
        line_write(event, words);
}

void panic_at(const char *file, int line, const char *format, ...)
{
    char words[WORDS_LIMIT];
    va_list arguments;

    int length = snprintf(words, sizeof words, "panic: %s:%d: ", file, line);
    va_start(arguments, format);
    if (length > 0 && length < WORDS_LIMIT)
        vsnprintf(words + length, sizeof words - (size_t)length, format, arguments);
    va_end(arguments);
    say("process.panic", words);
    abort();
}

void die(const char *format, ...)
{
    char words[WORDS_LIMIT];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    say("process.refused", words);
    exit(EXIT_PERMANENT);
}
