// ready: see the header.
#include "process/ready.h"

#include "base/str.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { READY_DESCRIPTOR = 3 };

static void datagram_send(const char *path, struct str text)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(path);

    if (length == 0 || length >= sizeof address.sun_path)
        return;
    memcpy(address.sun_path, path, length);
    if (path[0] == '@') // an abstract socket, whose name begins with a NUL
        address.sun_path[0] = '\0';
    int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0)
        return;
    (void)!sendto(descriptor, text.ptr, text.len, MSG_NOSIGNAL, (struct sockaddr *)&address,
                  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
    close(descriptor);
}

int ready_descriptor(void)
{
    return fcntl(READY_DESCRIPTOR, F_GETFD) >= 0 ? READY_DESCRIPTOR : -1;
}

void ready_say(int descriptor)
{
    const char *path = getenv("NOTIFY_SOCKET");

    if (path)
        datagram_send(path, STR("READY=1"));
    if (descriptor < 0)
        return;
    (void)!write(descriptor, "\n", 1);
    close(descriptor);
}
