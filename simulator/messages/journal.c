// journal: one descriptor, one write for each line.
#include "simulator/messages/journal.h"

#include "base/buf.h"
#include "base/heap.h"
#include "base/panic.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct journal {
    int descriptor;
    struct buf line; // reused
};

struct journal *journal_open(struct str path, struct err *err)
{
    AUTO(buf) name = {0};
    struct journal *journal;

    buf_str_append(&name, path);
    int descriptor = open(buf_c_string(&name), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (descriptor < 0) {
        err_set(err, ERR_BAD_INPUT, "cannot write NEXUS_SIM_JOURNAL: %s", strerror(errno));
        return NULL;
    }
    journal = heap_new(sizeof *journal);
    journal->descriptor = descriptor;
    return journal;
}

void journal_close(struct journal **journal)
{
    struct journal *closing = *journal;

    *journal = NULL;
    if (!closing)
        return;
    close(closing->descriptor);
    buf_release(&closing->line);
    free(closing);
}

// Holes in the journal would look like losses of Nexus, so without a journal the process ends.
void journal_append(struct journal *journal, struct str line)
{
    struct buf *rest = &journal->line;

    buf_str_append(rest, line);
    buf_byte(rest, '\n');
    while (rest->len > 0) {
        ssize_t count = write(journal->descriptor, rest->data, rest->len);
        if (count < 0 && errno != EINTR)
            panic("journal: %s", strerror(errno));
        if (count > 0)
            buf_consume(rest, (size_t)count);
    }
}
