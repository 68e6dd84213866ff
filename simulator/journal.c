// journal: one descriptor, one buffer, one hook before the loop sleeps.
#include "simulator/journal.h"

#include "base/buf.h"
#include "base/panic.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct journal {
    uv_prepare_t before_sleep;
    int descriptor;
    struct buf lines;
};

// A journal with holes would accuse Nexus of losses: without one this process has no point.
static void write_out(struct journal *journal)
{
    while (journal->lines.len > 0) {
        ssize_t count = write(journal->descriptor, journal->lines.data, journal->lines.len);
        if (count < 0 && errno != EINTR)
            panic("journal: %s", strerror(errno));
        if (count > 0)
            buf_consume(&journal->lines, (size_t)count);
    }
    if (fdatasync(journal->descriptor) != 0)
        panic("journal: %s", strerror(errno));
}

static void on_before_sleep(uv_prepare_t *prepare)
{
    struct journal *journal = CONTAINER_OF(prepare, struct journal, before_sleep);

    if (journal->lines.len > 0)
        write_out(journal);
}

struct journal *journal_open(uv_loop_t *loop, struct str path, struct err *err)
{
    AUTO(buf) name = {0};
    struct journal *journal;

    buf_str_append(&name, path);
    int descriptor = open(buf_c_string(&name), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (descriptor < 0) {
        err_set(err, ERR_BAD_INPUT, "cannot write NEXUS_SIM_JOURNAL: %s", strerror(errno));
        return NULL;
    }
    journal = calloc(1, sizeof *journal);
    ASSERT(journal);
    journal->descriptor = descriptor;
    ASSERT(uv_prepare_init(loop, &journal->before_sleep) == 0);
    ASSERT(uv_prepare_start(&journal->before_sleep, on_before_sleep) == 0);
    return journal;
}

static void on_closed(uv_handle_t *handle)
{
    free(CONTAINER_OF(handle, struct journal, before_sleep));
}

void journal_close(struct journal **journal)
{
    struct journal *closing = *journal;

    *journal = NULL;
    if (!closing)
        return;
    write_out(closing);
    close(closing->descriptor);
    buf_release(&closing->lines);
    uv_close((uv_handle_t *)&closing->before_sleep, on_closed);
}

void journal_append(struct journal *journal, struct str line)
{
    buf_str_append(&journal->lines, line);
    buf_byte(&journal->lines, '\n');
}
