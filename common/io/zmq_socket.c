// zmq_socket: see the header. Frames are received into two messages that are kept, so that the hot
// path allocates nothing of its own.
#include "io/zmq_socket.h"

#include "base/buf.h"
#include "base/panic.h"
#include "io/zmq_refusals.h"
#include "io/zmq_watch.h"
#include "io/zmq_zap.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

enum { LINGER_MS = 500, FRAME_BYTES_LIMIT = 2 * 1024 * 1024, BOUND_LIMIT = 4 };

struct zmq_bus_context {
    void *zmq;
    struct zmq_zap *zap; // made by the first bind with CURVE
    unsigned sockets_open;
};

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
    zmq_msg_t peer, body;
    void (*received)(void *context, struct str peer, struct str body);
    void (*writable)(void *context);
    zmq_refused_fn *refused;
    void *context;
};

struct zmq_bus_context *zmq_bus_context_new(void)
{
    struct zmq_bus_context *context = calloc(1, sizeof *context);

    if (!context)
        panic("out of memory");
    context->zmq = zmq_ctx_new();
    if (!context->zmq)
        panic("zmq_ctx_new: %s", zmq_strerror(zmq_errno()));
    return context;
}

void zmq_bus_context_free(struct zmq_bus_context **context)
{
    if (!*context)
        return;
    ASSERT((*context)->sockets_open == 0); // zmq_ctx_term() would wait for ever
    zmq_ctx_term((*context)->zmq);
    free(*context);
    *context = NULL;
}

static void option_int(void *socket, int option, int value)
{
    if (zmq_setsockopt(socket, option, &value, sizeof value) != 0)
        panic("zmq_setsockopt(%d, %d): %s", option, value, zmq_strerror(zmq_errno()));
}

static void options_set(void *socket, const struct zmq_socket_options *options)
{
    const int64_t frame_bytes_limit = FRAME_BYTES_LIMIT;

    option_int(socket, ZMQ_LINGER, LINGER_MS);
    option_int(socket, ZMQ_HEARTBEAT_IVL, 1000);
    option_int(socket, ZMQ_HEARTBEAT_TIMEOUT, 3000);
    option_int(socket, ZMQ_HEARTBEAT_TTL, 5000);
    option_int(socket, ZMQ_HANDSHAKE_IVL, 3000);
    option_int(socket, ZMQ_IMMEDIATE, 1);
    option_int(socket, ZMQ_RECONNECT_IVL, 100);
    option_int(socket, ZMQ_RECONNECT_IVL_MAX, 2000);
    option_int(socket, ZMQ_IPV6, 1);
    option_int(socket, ZMQ_SNDHWM, options->high_water_mark);
    option_int(socket, ZMQ_RCVHWM, options->high_water_mark);
    if (zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &frame_bytes_limit, sizeof frame_bytes_limit) != 0)
        panic("ZMQ_MAXMSGSIZE: %s", zmq_strerror(zmq_errno()));
    if (options->kind == ZMQ_SOCKET_ROUTER)
        option_int(socket, ZMQ_ROUTER_MANDATORY, 1);
    if (options->routing_id.len > 0 &&
        zmq_setsockopt(socket, ZMQ_ROUTING_ID, options->routing_id.ptr, options->routing_id.len) !=
            0)
        panic("ZMQ_ROUTING_ID: %s", zmq_strerror(zmq_errno()));
}

static bool message_receive(struct zmq_socket *socket, zmq_msg_t *message)
{
    return zmq_msg_recv(message, socket->watch.socket, ZMQ_DONTWAIT) >= 0;
}

static bool socket_receive(void *context)
{
    struct zmq_socket *socket = context;
    bool routed = socket->kind == ZMQ_SOCKET_ROUTER;

    if (socket->kind == ZMQ_SOCKET_PUSH || (routed && !message_receive(socket, &socket->peer)))
        return false;
    // Only the last part is ours; a peer that sends more parts is answered by what reads the body.
    do {
        if (!message_receive(socket, &socket->body))
            return false;
    } while (zmq_msg_more(&socket->body));
    socket->received(socket->context,
                     routed ? str_make(zmq_msg_data(&socket->peer), zmq_msg_size(&socket->peer))
                            : STR_ABSENT,
                     str_make(zmq_msg_data(&socket->body), zmq_msg_size(&socket->body)));
    return true;
}

static void socket_writable(void *context)
{
    struct zmq_socket *socket = context;
    socket->writable(socket->context);
}

static void socket_gone(void *context)
{
    struct zmq_socket *socket = context;

    zmq_msg_close(&socket->peer);
    zmq_msg_close(&socket->body);
    free(socket);
}

struct zmq_socket *zmq_socket_new(uv_loop_t *loop, struct zmq_bus_context *bus,
                                  const struct zmq_socket_options *options)
{
    static const int types[] = {[ZMQ_SOCKET_ROUTER] = ZMQ_ROUTER,
                                [ZMQ_SOCKET_DEALER] = ZMQ_DEALER,
                                [ZMQ_SOCKET_PUSH] = ZMQ_PUSH,
                                [ZMQ_SOCKET_PULL] = ZMQ_PULL};
    struct zmq_socket *socket = calloc(1, sizeof *socket);
    void *raw = zmq_socket(bus->zmq, types[options->kind]);

    if (!socket || !raw)
        panic("zmq_socket: %s", zmq_strerror(zmq_errno()));
    options_set(raw, options);
    *socket = (struct zmq_socket){
        .watch = {.socket = raw,
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
    zmq_msg_init(&socket->peer);
    zmq_msg_init(&socket->body);
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

static bool curve_key(struct zmq_socket *socket, int option, const char *what, struct str key,
                      struct err *err)
{
    AUTO(buf) text = {0};

    buf_str_append(&text, key);
    // 41 bytes: libzmq tells Z85 from 32 raw bytes by the length with its NUL.
    if (key.len != 40 || zmq_setsockopt(socket->watch.socket, option, buf_c_string(&text), 41) != 0)
        return err_set(err, ERR_BAD_INPUT, "CURVE %s key is not Z85 of 40 characters", what);
    return true;
}

void zmq_key_pair_make(struct zmq_key_pair *pair)
{
    if (zmq_curve_keypair(pair->public_key, pair->secret_key) != 0)
        panic("zmq_curve_keypair: %s", zmq_strerror(zmq_errno()));
}

bool zmq_key_pair_of(struct str secret_key, struct zmq_key_pair *pair)
{
    if (secret_key.len != sizeof pair->secret_key - 1)
        return false;
    memcpy(pair->secret_key, secret_key.ptr, secret_key.len);
    pair->secret_key[secret_key.len] = '\0';
    return zmq_curve_public(pair->public_key, pair->secret_key) == 0;
}

// libzmq copies the options at each bind and connect.
static bool curve_serve(struct zmq_socket *socket, bool on, struct err *err)
{
    option_int(socket->watch.socket, ZMQ_CURVE_SERVER, on);
    if (!on)
        return true;
    if (!curve_key(socket, ZMQ_CURVE_SECRETKEY, "secret", socket->curve->secret_key, err))
        return false;
    if (!socket->bus->zap)
        socket->bus->zap =
            zmq_zap_new(socket->loop, socket->bus->zmq, socket->curve->allowed_clients, err);
    if (zmq_setsockopt(socket->watch.socket, ZMQ_ZAP_DOMAIN, "nexus", 5) != 0)
        panic("ZMQ_ZAP_DOMAIN: %s", zmq_strerror(zmq_errno()));
    if (socket->refused && !socket->refusals)
        socket->refusals = zmq_refusals_new(socket->loop, socket->bus->zmq, socket->watch.socket,
                                            socket->refused, socket->context);
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
    // The old listener stays: libzmq would close what came through it, too. Nobody finds it any more.
    if (zmq_bind(socket->watch.socket, endpoint) != 0)
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
    if (zmq_bind(socket->watch.socket, endpoint) != 0)
        return err_set(err, ERR_UNAVAILABLE, "cannot bind %.120s: %s", endpoint,
                       zmq_strerror(zmq_errno()));
    struct bound *bound = bound_of(socket, endpoint);
    if (bound)
        bound->inode = inode_of(endpoint);
    return true;
}

bool zmq_socket_connect(struct zmq_socket *socket, const char *endpoint, struct err *err)
{
    const struct zmq_curve *curve = socket->curve;

    if (curve && (!curve_key(socket, ZMQ_CURVE_SERVERKEY, "server", curve->server_key, err) ||
                  !curve_key(socket, ZMQ_CURVE_PUBLICKEY, "public", curve->public_key, err) ||
                  !curve_key(socket, ZMQ_CURVE_SECRETKEY, "secret", curve->secret_key, err)))
        return false;
    if (zmq_connect(socket->watch.socket, endpoint) != 0)
        return err_set(err, ERR_BAD_INPUT, "cannot connect to %.120s: %s", endpoint,
                       zmq_strerror(zmq_errno()));
    return true;
}

void zmq_socket_disconnect(struct zmq_socket *socket, const char *endpoint)
{
    (void)!zmq_disconnect(socket->watch.socket, endpoint); // gone already is as good
}

bool zmq_socket_send(struct zmq_socket *socket, struct str peer, struct str body)
{
    void *raw = socket->watch.socket;
    bool sent = true;

    if (socket->kind == ZMQ_SOCKET_ROUTER)
        sent = zmq_send(raw, peer.ptr, peer.len, ZMQ_DONTWAIT | ZMQ_SNDMORE) >= 0;
    sent = sent && zmq_send(raw, body.ptr, body.len, ZMQ_DONTWAIT) >= 0;
    zmq_watch_sent(&socket->watch, sent);
    return sent;
}

bool zmq_socket_sender_is(const struct zmq_socket *socket, struct str service)
{
    const char *user;

    if (!socket->curve)
        return true;
    user = zmq_msg_gets(&socket->body, "User-Id");
    return user && zmq_zap_user_is(str_of(user), service);
}
