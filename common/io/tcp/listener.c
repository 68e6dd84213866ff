// listener: our own accept loop. libuv's loop calls back endlessly while EMFILE lasts, or drops
// waiting clients; neither is acceptable when descriptors run out.
#include "io/tcp/listener.h"

#include "base/heap.h"
#include "base/panic.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 4096, ACCEPTED_A_ROUND = 64, RETRY_AFTER_MS = 100 };

struct listener {
    uv_poll_t poll;
    uv_timer_t retry;
    int descriptor;
    int handles_open;
    bool is_paused;
    uint64_t pauses;
    void (*accepted)(void *context, int descriptor);
    void (*shortage)(void *context);
    void *context;
};

static void on_readable(uv_poll_t *poll, int status, int events);

static bool address_parse(const struct listener_options *options, struct sockaddr_storage *address,
                          socklen_t *length, struct err *err)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    *address = (struct sockaddr_storage){0};
    if (uv_ip4_addr(options->host, options->port, &v4) == 0) {
        memcpy(address, &v4, sizeof v4);
        *length = sizeof v4;
    } else if (uv_ip6_addr(options->host, options->port, &v6) == 0) {
        memcpy(address, &v6, sizeof v6);
        *length = sizeof v6;
    } else {
        return err_set(err, ERR_BAD_INPUT, "%.80s is not an address", options->host);
    }
    return true;
}

static int socket_open(const struct listener_options *options, struct err *err)
{
    struct sockaddr_storage address;
    socklen_t length = 0;
    const int yes = 1, no = 0;

    if (!address_parse(options, &address, &length, err))
        return -1;
    int descriptor = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        err_set(err, ERR_UNAVAILABLE, "cannot open a socket: %s", strerror(errno));
        return -1;
    }
    if (setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
        (address.ss_family == AF_INET6 &&
         setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no) != 0) ||
        bind(descriptor, (struct sockaddr *)&address, length) != 0 ||
        listen(descriptor, BACKLOG) != 0) {
        err_set(err, ERR_UNAVAILABLE, "cannot listen on %.80s port %d: %s", options->host,
                options->port, strerror(errno));
        close(descriptor);
        return -1;
    }
    return descriptor;
}

struct listener *listener_new(uv_loop_t *loop, const struct listener_options *options,
                              struct err *err)
{
    int descriptor = socket_open(options, err);
    if (descriptor < 0)
        return NULL;

    struct listener *listener = heap_new(sizeof *listener);
    *listener = (struct listener){.descriptor = descriptor,
                                  .handles_open = 2,
                                  .is_paused = true,
                                  .accepted = options->accepted,
                                  .shortage = options->shortage,
                                  .context = options->context};
    ASSERT(uv_timer_init(loop, &listener->retry) == 0);
    ASSERT(uv_poll_init(loop, &listener->poll, descriptor) == 0);
    listener_resume(listener);
    return listener;
}

static void on_retry(uv_timer_t *timer)
{
    listener_resume(CONTAINER_OF(timer, struct listener, retry));
}

static bool is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

// Other errors belong to a connection that is already gone; the next round continues.
static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct listener *listener = CONTAINER_OF(poll, struct listener, poll);

    (void)status;
    (void)events;
    for (int i = 0; i < ACCEPTED_A_ROUND && !listener->is_paused; i++) {
        int descriptor = accept4(listener->descriptor, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (descriptor >= 0) {
            listener->accepted(listener->context, descriptor);
        } else if (is_shortage(errno)) {
            listener_pause(listener);
            uv_timer_start(&listener->retry, on_retry, RETRY_AFTER_MS, 0);
            if (listener->shortage)
                listener->shortage(listener->context);
        } else {
            return;
        }
    }
}

// Closing a listener resets connections whose handshake is complete and which nobody has accepted
// yet; they may have sent a request. So new handshakes are stopped first (a SYN without ACK is
// dropped), and then the rest is accepted. If the kernel does not know such filters, a connection
// that is made between the last accept and the close is lost.
void listener_deafen(struct listener *listener)
{
    enum { TCP_FLAGS_AT = 13, SYN = 0x02, ACK = 0x10 };
    struct sock_filter drop_syn[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, TCP_FLAGS_AT),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, SYN | ACK),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYN, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
    };
    const struct sock_fprog program = {.len = COUNT_OF(drop_syn), .filter = drop_syn};

    (void)setsockopt(listener->descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

void listener_accept_rest(struct listener *listener)
{
    int descriptor;

    do {
        descriptor = accept4(listener->descriptor, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (descriptor >= 0)
            listener->accepted(listener->context, descriptor);
    } while (descriptor >= 0 || errno == ECONNABORTED);
}

void listener_pause(struct listener *listener)
{
    if (listener->is_paused)
        return;
    listener->is_paused = true;
    listener->pauses++;
    uv_poll_stop(&listener->poll);
}

void listener_resume(struct listener *listener)
{
    if (!listener->is_paused)
        return;
    listener->is_paused = false;
    uv_timer_stop(&listener->retry);
    ASSERT(uv_poll_start(&listener->poll, UV_READABLE, on_readable) == 0);
}

int listener_port(const struct listener *listener)
{
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;

    ASSERT(getsockname(listener->descriptor, (struct sockaddr *)&address, &length) == 0);
    // The port stands at the same place in both families.
    return ntohs(((struct sockaddr_in *)(void *)&address)->sin_port);
}

uint64_t listener_pauses(const struct listener *listener)
{
    return listener->pauses;
}

static void on_closed(uv_handle_t *handle)
{
    struct listener *listener = handle->data;

    if (--listener->handles_open == 0)
        free(listener);
}

void listener_close(struct listener **listener)
{
    struct listener *closing = *listener;

    *listener = NULL;
    if (!closing)
        return;
    closing->is_paused = true;
    closing->poll.data = closing->retry.data = closing;
    uv_close((uv_handle_t *)&closing->poll, on_closed);
    uv_close((uv_handle_t *)&closing->retry, on_closed);
    close(closing->descriptor);
}
