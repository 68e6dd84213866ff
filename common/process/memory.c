// memory: see the header.
#include "process/memory.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

struct mapping {
    unsigned long start, end;
    bool is_file;
};

// /proc/self/smaps has for each mapping a line with its addresses, then lines that describe it.
// "Anonymous" counts the pages that differ from the file, such as relocations; a mapping that has
// any is kept.
static void line_take(const char *line, struct mapping *mapping)
{
    struct mapping next;
    unsigned long inode, anonymous_kib;
    char may[8];

    if (sscanf(line, "%lx-%lx %7s %*s %*s %lu", &next.start, &next.end, may, &inode) == 4) {
        *mapping = next;
        // Not a writable mapping, because another thread may be writing to it.
        mapping->is_file = inode != 0 && !strchr(may, 'w');
    } else if (sscanf(line, "Anonymous: %lu", &anonymous_kib) == 1 && anonymous_kib == 0 &&
               mapping->is_file) {
        // A failure costs only memory.
        (void)madvise((void *)mapping->start, mapping->end - mapping->start, MADV_DONTNEED);
    }
}

void memory_give_back(void)
{
    FILE *mappings = fopen("/proc/self/smaps", "re");
    struct mapping mapping = {0};
    char line[512];

    malloc_trim(0);
    if (!mappings)
        return;
    while (fgets(line, sizeof line, mappings))
        line_take(line, &mapping);
    fclose(mappings);
}
