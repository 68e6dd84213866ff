// heap: malloc_info() is the only one that tells arenas apart, and it speaks XML: an element a line,
// of which these are read as they are written, so that looking at memory takes none.
//
//   <heap nr="0">                         then, until </heap>, what this arena has
//   <total type="fast" count="1" size="32"/>, <total type="rest" …>, <system type="current" size="…"/>
//   <total type="mmap" count="0" size="0"/>     after the last </heap>
#include "service/heap.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

struct reading {
    struct heap heap;
    bool in_arena;
    enum heap_space space;
    char line[160];
    size_t length;
};

static void line_take(struct reading *reading)
{
    const char *line = reading->line;
    unsigned long bytes;
    unsigned number;

    if (sscanf(line, "<heap nr=\"%u\">", &number) == 1) {
        reading->in_arena = true;
        reading->space = number == 0 ? HEAP_MAIN : HEAP_THREAD;
    } else if (strcmp(line, "</heap>") == 0) {
        reading->in_arena = false;
    } else if (!reading->in_arena) {
        if (sscanf(line, "<total type=\"mmap\" count=\"%*u\" size=\"%lu\"/>", &bytes) == 1)
            reading->heap.spaces[HEAP_MMAP].total_bytes = (double)bytes;
    } else if (sscanf(line, "<system type=\"current\" size=\"%lu\"/>", &bytes) == 1) {
        reading->heap.spaces[reading->space].total_bytes += (double)bytes;
    } else if (sscanf(line, "<total type=\"fast\" count=\"%*u\" size=\"%lu\"/>", &bytes) == 1 ||
               sscanf(line, "<total type=\"rest\" count=\"%*u\" size=\"%lu\"/>", &bytes) == 1) {
        reading->heap.spaces[reading->space].free_bytes += (double)bytes;
    }
}

// What is longer than a line we look for is cut.
static ssize_t text_take(void *cookie, const char *text, size_t length)
{
    struct reading *reading = cookie;

    for (size_t i = 0; i < length; i++) {
        if (text[i] != '\n') {
            if (reading->length < sizeof reading->line - 1)
                reading->line[reading->length++] = text[i];
            continue;
        }
        reading->line[reading->length] = '\0';
        line_take(reading);
        reading->length = 0;
    }
    return (ssize_t)length;
}

struct heap heap_read(void)
{
    struct reading reading = {.in_arena = false};
    char buffer[512];
    FILE *out = fopencookie(&reading, "w", (cookie_io_functions_t){.write = text_take});

    if (!out)
        return reading.heap;
    setvbuf(out, buffer, _IOFBF, sizeof buffer);
    (void)malloc_info(0, out);
    fclose(out);
    return reading.heap;
}
