// zmq_socket: see the header.
#include "io/zmq/zmq_socket.h"

#include "base/buf.h"
#include "base/heap.h"
#include "base/panic.h"
#include "io/zmq/zmq_refusals.h"
#include "io/zmq/zmq_watch.h"
#include "io/zmq/zmq_zap.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { ZAP_ENFORCE_DOMAIN = 93 };
enum { LINGER_MS = 500, FRAME_BYTES_LIMIT = 2 * 1024 * 1024, BOUND_LIMIT = 4 };

struct zmq_socket {
    struct zmq_watch watch;
    struct zmq_bus_context *bus;
    enum zmq_socket_kind kind;
    const struct zmq_curve *curve; // NULL: none
    struct zmq_refusals *refusals; // NULL until it is bound with CURVE
    struct bound {                 // files of ipc:// binds
        char path[108];
        uint64_t inode;
    } bound[BOUND_LIMIT];
    uv_loop_t *loop;
    zframe_t *body; // while received() runs
    void (*received)(void *context, struct str peer, struct str body);
    void (*writable)(void *context);
    zmq_refused_fn *refused;
    void *context;
};

struct zmq_bus_context *zmq_bus_context_new(void)
{
    struct zmq_bus_context *context = heap_new(sizeof *context);

    zsys_handler_set(NULL); // the loop handles signals
    if (!zsys_init())
        panic("zsys_init: %s", zmq_strerror(zmq_errno()));
    zsys_set_logstream(NULL); // else czmq logs to standard output
    return context;
}

void zmq_bus_context_free(struct zmq_bus_context **context)
{
    if (!*context)
        return;
    ASSERT((*context)->sockets_open == 0); // else it would wait forever
    zsys_shutdown();
    free(*context);
    *context = NULL;
}

// Everything is set here, because czmq takes its own defaults partly from the environment.
static void options_set(zsock_t *socket, const struct zmq_socket_options *options)
{
    zsock_set_linger(socket, LINGER_MS);
    zsock_set_rcvtimeo(socket, 0); // no call ever blocks
    zsock_set_sndtimeo(socket, 0);
    zsock_set_heartbeat_ivl(socket, 1000);
    zsock_set_heartbeat_timeout(socket, 3000);
    zsock_set_heartbeat_ttl(socket, 5000);
    zsock_set_handshake_ivl(socket, 3000);
    zsock_set_immediate(socket, 1);
    zsock_set_reconnect_ivl(socket, 100);
    zsock_set_reconnect_ivl_max(socket, 500); // a text waits 2 s at a gateway that was restarted
    zsock_set_ipv6(socket, 1);
    zsock_set_sndhwm(socket, options->high_water_mark);
    zsock_set_rcvhwm(socket, options->high_water_mark);
    zsock_set_maxmsgsize(socket, FRAME_BYTES_LIMIT);
    if (options->kind == ZMQ_SOCKET_ROUTER)
        zsock_set_router_mandatory(socket, 1);
    // Not zsock_set_identity(), which takes a C string.
    if (options->routing_id.len > 0 &&
        zmq_setsockopt(zsock_resolve(socket), ZMQ_ROUTING_ID, options->routing_id.ptr,
                       options->routing_id.len) != 0)
        panic("ZMQ_ROUTING_ID: %s", zmq_strerror(zmq_errno()));
}

// A ROUTER receives the peer first. Only the last part is used; the reader of the body handles a
// peer that sends more parts.
static bool frames_receive(struct zmq_socket *socket, zframe_t **peer)
{
    bool routed = socket->kind == ZMQ_SOCKET_ROUTER, more = true;

    *peer = routed ? zframe_recv(socket->watch.socket) : NULL;
    if (routed && !*peer)
        return false;
    while (more) {
        zframe_destroy(&socket->body);
        socket->body = zframe_recv(socket->watch.socket);
        more = socket->body && zframe_more(socket->body);
    }
    return socket->body != NULL;
}

static bool socket_receive(void *context)
{
    struct zmq_socket *socket = context;
    zframe_t *peer = NULL;

    bool received = socket->kind != ZMQ_SOCKET_PUSH && frames_receive(socket, &peer);
    if (received)
        socket->received(socket->context,
                         peer ? str_make(zframe_data(peer), zframe_size(peer)) : STR_ABSENT,
                         str_make(zframe_data(socket->body), zframe_size(socket->body)));
    zframe_destroy(&peer);
    zframe_destroy(&socket->body);
    return received;
}

static void socket_writable(void *context)
{
    struct zmq_socket *socket = context;
    socket->writable(socket->context);
}

static void socket_gone(void *context)
{
    free(context);
}

struct zmq_socket *zmq_socket_new(uv_loop_t *loop, struct zmq_bus_context *bus,
                                  const struct zmq_socket_options *options)
{
    static const int types[] = {[ZMQ_SOCKET_ROUTER] = ZMQ_ROUTER,
                                [ZMQ_SOCKET_DEALER] = ZMQ_DEALER,
                                [ZMQ_SOCKET_PUSH] = ZMQ_PUSH,
                                [ZMQ_SOCKET_PULL] = ZMQ_PULL};
    struct zmq_socket *socket = heap_new(sizeof *socket);
    zsock_t *zsock = zsock_new(types[options->kind]);

    if (!zsock)
        panic("zsock_new: %s", zmq_strerror(zmq_errno()));
    options_set(zsock, options);
    *socket = (struct zmq_socket){
        .watch = {.socket = zsock,
                  .receive = socket_receive,
                  .writable = options->writable ? socket_writable : NULL,
                  .gone = socket_gone},
        .bus = bus,
        .kind = options->kind,
        .curve = options->curve && options->curve->public_key.len ? options->curve : NULL,
        .loop = loop,
        .received = options->received,
        .writable = options->writable,
        .refused = options->refused,
        .context = options->context,
    };
    socket->watch.context = socket;
    zmq_watch_start(&socket->watch, loop);
    bus->sockets_open++;
    return socket;
}

void zmq_socket_free(struct zmq_socket **socket)
{
    if (!*socket)
        return;
    struct zmq_bus_context *bus = (*socket)->bus;
    zmq_refusals_free(&(*socket)->refusals);
    zmq_watch_close(&(*socket)->watch);
    if (--bus->sockets_open == 0)
        zmq_zap_free(&bus->zap);
    *socket = NULL;
}

static bool is_tcp(const char *endpoint)
{
    return str_starts(str_of(endpoint), STR("tcp://"));
}

static bool is_loopback(const char *tcp_endpoint)
{
    static const struct str hosts[] = {STR_INIT("127."), STR_INIT("[::1]:"),
                                       STR_INIT("localhost:")};
    struct str host = str_skip(str_of(tcp_endpoint), sizeof "tcp://" - 1);

    for (size_t i = 0; i < COUNT_OF(hosts); i++)
        if (str_starts(host, hosts[i]))
            return true;
    return false;
}

static bool key_read(struct str key, const char *what, uint8_t bytes[static 32], struct err *err)
{
    char text[41] = {0};

    if (key.len == 40)
        memcpy(text, key.ptr, key.len);
    return (key.len == 40 && zmq_z85_decode(bytes, text)) ||
           err_set(err, ERR_BAD_INPUT, "CURVE %s key is not Z85 of 40 characters", what);
}

static bool certificate_apply(struct zmq_socket *socket, struct err *err)
{
    uint8_t public_key[32], secret_key[32];

    if (!key_read(socket->curve->public_key, "public", public_key, err) ||
        !key_read(socket->curve->secret_key, "secret", secret_key, err))
        return false;
    zcert_t *certificate = zcert_new_from(public_key, secret_key);
    zcert_apply(certificate, socket->watch.socket);
    zcert_destroy(&certificate);
    return true;
}

// libzmq copies the options at each bind and connect.
static bool curve_serve(struct zmq_socket *socket, bool on, struct err *err)
{
    const int always = 1;

    zsock_set_curve_server(socket->watch.socket, on);
    if (!on)
        return true;
    if (!certificate_apply(socket, err))
        return false;
    if (!socket->bus->zap)
        socket->bus->zap = zmq_zap_new(socket->curve->allowed_clients, err);
    zsock_set_zap_domain(socket->watch.socket, "nexus");
    // If zauth does not answer, every connection is refused; without this option every one would be
    // accepted. libzmq has it since 4.3, but zmq.h declares it only with its drafts.
    if (zmq_setsockopt(socket->watch.handle, ZAP_ENFORCE_DOMAIN, &always, sizeof always) != 0)
        panic("ZMQ_ZAP_ENFORCE_DOMAIN: %s", zmq_strerror(zmq_errno()));
    if (socket->refused && !socket->refusals)
        socket->refusals =
            zmq_refusals_new(socket->loop, socket->watch.socket, socket->refused, socket->context);
    return socket->bus->zap != NULL;
}

// The path of an ipc:// endpoint; NULL of another.
static const char *ipc_path(const char *endpoint)
{
    struct str prefix = STR("ipc://");

    return str_starts(str_of(endpoint), prefix) ? endpoint + prefix.len : NULL;
}

// A file that nobody listens to refuses the connection.
bool zmq_ipc_is_taken(const char *endpoint)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = ipc_path(endpoint);

    if (!path || strlen(path) >= sizeof address.sun_path)
        return false;
    memcpy(address.sun_path, path, strlen(path));
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (probe < 0)
        return false;
    bool taken = connect(probe, (const struct sockaddr *)&address, sizeof address) == 0 ||
                 errno == EAGAIN; // its backlog is full
    close(probe);
    return taken;
}

bool zmq_ipc_is_private(const char *endpoint, struct err *err)
{
    AUTO(buf) folder = {0};
    struct stat status;
    const char *path = ipc_path(endpoint), *slash = path ? strrchr(path, '/') : NULL;

    if (!path)
        return true;
    buf_str_append(&folder, !slash          ? STR(".")
                            : slash == path ? STR("/")
                                            : str_make(path, (size_t)(slash - path)));
    // A directory that is not there cannot be bound in: that has its own message.
    if (stat(buf_c_string(&folder), &status) != 0 || (status.st_mode & (S_IRWXG | S_IRWXO)) == 0)
        return true;
    return err_set(err, ERR_BAD_INPUT,
                   "%.120s: others may enter its directory. Give this process keys "
                   "(NEXUS_CURVE_*), or the directory mode 0700",
                   endpoint);
}

static uint64_t inode_of(const char *endpoint)
{
    struct stat file;
    const char *path = ipc_path(endpoint);

    return path && stat(path, &file) == 0 ? (uint64_t)file.st_ino : 0;
}

// Where to remember the file of an endpoint; NULL where there is no room, or nothing to remember.
static struct bound *bound_of(struct zmq_socket *socket, const char *endpoint)
{
    const char *path = ipc_path(endpoint);

    for (size_t i = 0; path && i < BOUND_LIMIT && strlen(path) < sizeof socket->bound[0].path; i++)
        if (!socket->bound[i].path[0] || strcmp(socket->bound[i].path, path) == 0) {
            memcpy(socket->bound[i].path, path, strlen(path) + 1);
            return &socket->bound[i];
        }
    return NULL;
}

bool zmq_socket_bind_again(struct zmq_socket *socket, const char *endpoint)
{
    struct bound *bound = bound_of(socket, endpoint);
    uint64_t inode = inode_of(endpoint);

    if (!bound || (inode != 0 && inode == bound->inode) || zmq_ipc_is_taken(endpoint))
        return false;
    // The old listener stays, because libzmq would also close the connections it accepted. No new
    // connection can reach it.
    if (zsock_bind(socket->watch.socket, "%s", endpoint) < 0)
        return false;
    bound->inode = inode_of(endpoint);
    return true;
}

bool zmq_socket_bind(struct zmq_socket *socket, const char *endpoint, struct err *err)
{
    bool curve = socket->curve != NULL;

    if (is_tcp(endpoint) && !is_loopback(endpoint) && !curve)
        return err_set(err, ERR_BAD_INPUT,
                       "%.120s is not loopback: it needs CURVE keys (NEXUS_CURVE_*)", endpoint);
    if (!curve_serve(socket, curve, err))
        return false;
    if (zsock_bind(socket->watch.socket, "%s", endpoint) < 0)
        return err_set(err, ERR_UNAVAILABLE, "cannot bind %.120s: %s", endpoint,
                       zmq_strerror(zmq_errno()));
    struct bound *bound = bound_of(socket, endpoint);
    if (bound)
        bound->inode = inode_of(endpoint);
    return true;
}

bool zmq_socket_connect(struct zmq_socket *socket, const char *endpoint, struct err *err)
{
    uint8_t server_key[32];

    if (socket->curve) {
        if (!key_read(socket->curve->server_key, "server", server_key, err) ||
            !certificate_apply(socket, err))
            return false;
        zsock_set_curve_serverkey_bin(socket->watch.socket, server_key);
    }
    if (zsock_connect(socket->watch.socket, "%s", endpoint) != 0)
        return err_set(err, ERR_BAD_INPUT, "cannot connect to %.120s: %s", endpoint,
                       zmq_strerror(zmq_errno()));
    return true;
}

bool zmq_socket_send(struct zmq_socket *socket, struct str peer, struct str body)
{
    bool routed = socket->kind == ZMQ_SOCKET_ROUTER;
    zframe_t *to = routed ? zframe_new(peer.ptr, peer.len) : NULL;
    zframe_t *frame = zframe_new(body.ptr, body.len);

    // If the queue has room for the first part, it has room for the second.
    bool sent = (!to || zframe_send(&to, socket->watch.socket, ZFRAME_MORE) == 0) &&
                zframe_send(&frame, socket->watch.socket, 0) == 0;
    zframe_destroy(&to);
    zframe_destroy(&frame);
    zmq_watch_sent(&socket->watch, sent);
    return sent;
}

bool zmq_socket_sender_is(const struct zmq_socket *socket, struct str service)
{
    const char *services;

    if (!socket->curve)
        return true;
    services = zframe_meta(socket->body, ZMQ_ZAP_SERVICES);
    return services && zmq_zap_may_be(str_of(services), service);
}
