// A program reports that it is ready. The test acts as systemd.
#include "process/ready.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

// The socket is bound to path; where that begins with @, it has no file.
static int supervisor(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (path[0] == '@')
        address.sun_path[0] = '\0';
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    cr_assert(zero(int, bind(listener, (struct sockaddr *)&address, length)));
    setenv("NOTIFY_SOCKET", path, 1);
    return listener;
}

static void expect_ready(int listener)
{
    char text[64] = "";

    cr_assert(eq(long, recv(listener, text, sizeof text - 1, 0), 7));
    cr_assert(eq(str, text, "READY=1"));
    close(listener);
}

static void expect_reported_at(const char *begin)
{
    char path[64];

    snprintf(path, sizeof path, "%s%ld", begin, (long)getpid());
    int listener = supervisor(path);

    ready_say(-1);

    expect_ready(listener);
    if (path[0] != '@')
        unlink(path);
}

Test(ready, is_reported_on_the_socket_that_systemd_names)
{
    expect_reported_at("/tmp/nexus-ready-");
}

Test(ready, the_socket_may_be_one_without_a_file)
{
    expect_reported_at("@nexus-ready-");
}

Test(ready, does_not_wait_for_a_supervisor_that_is_gone)
{
    setenv("NOTIFY_SOCKET", "/nowhere/notify", 1);
    ready_say(-1);
    setenv("NOTIFY_SOCKET", "", 1);
    ready_say(-1);
}

Test(ready, is_reported_on_the_descriptor_that_s6_gives)
{
    int pipe_ends[2];
    char byte = 0;

    cr_assert(zero(int, pipe(pipe_ends)));

    ready_say(pipe_ends[1]);

    cr_assert(eq(long, read(pipe_ends[0], &byte, 1), 1));
    cr_assert(eq(chr, byte, '\n'));
    cr_assert(eq(long, read(pipe_ends[0], &byte, 1), 0), "it is closed");
    close(pipe_ends[0]);
}
