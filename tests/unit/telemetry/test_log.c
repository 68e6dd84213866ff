#include "telemetry/log.h"

#include "rows.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

// Replaces stdout by a pipe; returns the end to read from.
static int stdout_to_pipe(void)
{
    int ends[2];

    cr_assert(zero(int, pipe(ends)));
    dup2(ends[1], STDOUT_FILENO);
    close(ends[1]);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    log_init("unit", "unit-0", LOG_LEVEL_INFO);
    return ends[0];
}

static struct str read_all(int fd, struct buf *out)
{
    ssize_t count;
    while ((count = read(fd, buf_reserve(out, 65536), 65536)) > 0)
        out->len += (size_t)count;
    return buf_str(out);
}

static bool contains(struct str text, const char *part)
{
    return memmem(text.ptr, text.len, part, strlen(part)) != NULL;
}

Test(log, writes_one_json_object_on_each_line)
{
    AUTO(buf) out = {0};
    int pipe_end = stdout_to_pipe();
    struct id none = {0};

    LOG_WARN("unit.tested", LOG_STR("what", STR("a \"quoted\" word")), LOG_INT("count", -3),
             LOG_ID("id", none));

    struct str line = read_all(pipe_end, &out);
    cr_assert(contains(line, "\"level\":\"warn\",\"service\":\"unit\",\"instance\":\"unit-0\","
                             "\"event\":\"unit.tested\",\"what\":\"a \\\"quoted\\\" word\","
                             "\"count\":-3,\"id\":null}\n"));
}

Test(log, leaves_out_what_is_below_its_level)
{
    AUTO(buf) out = {0};
    int pipe_end = stdout_to_pipe();

    LOG_DEBUG("unit.quiet");
    LOG_ERROR("unit.loud");

    struct str line = read_all(pipe_end, &out);
    cr_assert(not(contains(line, "unit.quiet")));
    cr_assert(contains(line, "unit.loud"));
}

Test(log, collects_lines_until_a_flush)
{
    AUTO(buf) out = {0};
    int pipe_end = stdout_to_pipe();

    LOG_INFO("unit.waits");
    cr_assert(zero(sz, read_all(pipe_end, &out).len));
    log_flush();

    cr_assert(contains(read_all(pipe_end, &out), "unit.waits"));
}

// With a blocking write this test would hang until Criterion ends it.
Test(log, never_blocks_on_a_full_pipe_and_counts_what_it_drops, .timeout = 600)
{
    AUTO(buf) out = {0};
    int pipe_end = stdout_to_pipe();

    for (int i = 0; i < 10000; i++)
        LOG_WARN("unit.flood", LOG_INT("number", i));
    uint64_t dropped = log_dropped();
    cr_assert(gt(u64, dropped, 0));

    // A reader that comes back gets whole lines, and a line about the loss.
    for (int i = 0; i < 20; i++) {
        read_all(pipe_end, &out);
        log_flush();
    }
    LOG_WARN("unit.after");
    struct str text = read_all(pipe_end, &out);
    uint64_t lines = 0;
    for (size_t i = 0; i < text.len; i++)
        lines += text.ptr[i] == '\n';
    cr_assert(contains(text, "\"event\":\"log.dropped\""));
    cr_assert(contains(text, "\"event\":\"unit.after\""));
    cr_assert(eq(u64, lines, 10000 - dropped + 2));
}

Test(log, survives_a_reader_that_has_gone)
{
    signal(SIGPIPE, SIG_IGN);
    close(stdout_to_pipe());

    for (int i = 0; i < 1000; i++)
        LOG_WARN("unit.unheard");
    log_flush();
}
