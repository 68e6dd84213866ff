// zmq_zap: a REP socket on our own loop. While it has not answered, handshakes wait; nothing else
// does.
#include "io/zmq_zap.h"

#include "base/panic.h"
#include "io/zmq_watch.h"

#include <stdlib.h>
#include <zmq.h>

enum { KEY_BYTES = 32, KEY_TEXT = 40, KEYS_LIMIT = 256, REQUEST_PARTS = 7, PART_LIMIT = 256 };

struct zmq_zap {
    struct zmq_watch watch;
    uint8_t keys[KEYS_LIMIT][KEY_BYTES];
    size_t key_count;
};

// version, request id, domain, address, routing id, mechanism, credentials (the client's key).
struct zap_request {
    struct {
        char bytes[PART_LIMIT];
        size_t length;
    } parts[REQUEST_PARTS];
    bool well_formed;
};

static bool keys_read(struct zmq_zap *zap, struct str allowed, struct err *err)
{
    struct str one;
    char text[KEY_TEXT + 1];

    while (str_present(allowed)) {
        str_cut(allowed, ',', &one, &allowed);
        one = str_trim(one);
        if (one.len == 0)
            continue;
        if (zap->key_count == KEYS_LIMIT)
            return err_set(err, ERR_BAD_INPUT, "more than %d CURVE clients", KEYS_LIMIT);
        if (one.len == KEY_TEXT) {
            memcpy(text, one.ptr, KEY_TEXT);
            text[KEY_TEXT] = '\0';
        }
        if (one.len != KEY_TEXT || !zmq_z85_decode(zap->keys[zap->key_count], text))
            return err_set(err, ERR_BAD_INPUT, "CURVE clients: key %zu is not Z85 of 40 characters",
                           zap->key_count + 1);
        zap->key_count++;
    }
    if (zap->key_count == 0)
        return err_set(err, ERR_BAD_INPUT,
                       "CURVE is on, but no client key is allowed: nobody could connect");
    return true;
}

static bool zap_read(const struct zmq_zap *zap, struct zap_request *request)
{
    int more = 1;
    size_t size = sizeof more;

    request->well_formed = true;
    for (size_t i = 0; more; i++) {
        char *bytes = i < REQUEST_PARTS ? request->parts[i].bytes : (char[PART_LIMIT]){0};
        int length = zmq_recv(zap->watch.socket, bytes, PART_LIMIT, ZMQ_DONTWAIT);
        if (length < 0)
            return false;
        if (i < REQUEST_PARTS)
            request->parts[i].length = (size_t)length;
        request->well_formed &= i < REQUEST_PARTS && length <= PART_LIMIT;
        if (zmq_getsockopt(zap->watch.socket, ZMQ_RCVMORE, &more, &size) != 0)
            return false;
        if (!more)
            request->well_formed &= i == REQUEST_PARTS - 1;
    }
    return true;
}

static bool zap_allows(const struct zmq_zap *zap, const struct zap_request *request)
{
    struct str mechanism = str_make(request->parts[5].bytes, request->parts[5].length);
    bool allowed = false;

    if (!request->well_formed || !str_equal(mechanism, STR("CURVE")) ||
        request->parts[6].length != KEY_BYTES)
        return false;
    for (size_t i = 0; i < zap->key_count; i++)
        allowed |= memcmp(zap->keys[i], request->parts[6].bytes, KEY_BYTES) == 0;
    return allowed;
}

static void zap_answer(struct zmq_zap *zap, const struct zap_request *request, bool allowed)
{
    struct str request_id = request->well_formed
                                ? str_make(request->parts[1].bytes, request->parts[1].length)
                                : STR("1");
    const struct str parts[] = {STR("1.0"),
                                request_id,
                                allowed ? STR("200") : STR("400"),
                                allowed ? STR("OK") : STR("not on the list"),
                                STR(""),
                                STR("")};

    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        int flags = ZMQ_DONTWAIT | (i + 1 < COUNT_OF(parts) ? ZMQ_SNDMORE : 0);
        if (zmq_send(zap->watch.socket, parts[i].ptr, parts[i].len, flags) < 0)
            break; // the connection has gone; libzmq forgets the handshake after 3 s
    }
    zmq_watch_sent(&zap->watch, true);
}

static bool zap_receive(void *context)
{
    struct zmq_zap *zap = context;
    struct zap_request request;

    if (!zap_read(zap, &request))
        return false;
    zap_answer(zap, &request, zap_allows(zap, &request));
    return true;
}

static void zap_gone(void *context)
{
    free(context);
}

struct zmq_zap *zmq_zap_new(uv_loop_t *loop, void *zmq_context, struct str allowed, struct err *err)
{
    struct zmq_zap *zap = calloc(1, sizeof *zap);

    if (!zap)
        panic("out of memory");
    if (!keys_read(zap, allowed, err)) {
        free(zap);
        return NULL;
    }
    zap->watch.socket = zmq_socket(zmq_context, ZMQ_REP);
    if (!zap->watch.socket || zmq_bind(zap->watch.socket, "inproc://zeromq.zap.01") != 0)
        panic("ZAP: %s", zmq_strerror(zmq_errno()));
    zap->watch.receive = zap_receive;
    zap->watch.gone = zap_gone;
    zap->watch.context = zap;
    zmq_watch_start(&zap->watch, loop);
    return zap;
}

void zmq_zap_free(struct zmq_zap **zap)
{
    if (!*zap)
        return;
    zmq_watch_close(&(*zap)->watch);
    *zap = NULL;
}
