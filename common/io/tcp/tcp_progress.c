// tcp_progress: a file of its own, because <linux/tcp.h>, which has tcpi_bytes_acked, conflicts
// with <netinet/tcp.h>, which libuv includes.
#include "io/tcp/tcp_progress.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

bool tcp_progress_read(int descriptor, struct tcp_progress *progress)
{
    struct tcp_info info = {0};
    socklen_t length = sizeof info;
    int left = 0;

    if (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &length) != 0 ||
        length < offsetof(struct tcp_info, tcpi_bytes_acked) + sizeof info.tcpi_bytes_acked ||
        ioctl(descriptor, SIOCOUTQ, &left) != 0)
        return false;
    *progress = (struct tcp_progress){.taken = info.tcpi_bytes_acked, .left = (size_t)left};
    return true;
}
