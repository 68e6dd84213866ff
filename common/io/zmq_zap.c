// zmq_zap: a REP socket on our own loop. While it has not answered, handshakes wait; nothing else
// does.
#include "io/zmq_zap.h"

#include "base/log.h"
#include "base/panic.h"
#include "io/zmq_watch.h"

#include <stdlib.h>
#include <zmq.h>

enum {
    KEY_BYTES = 32,
    KEY_TEXT = 40,
    KEYS_LIMIT = 256,
    SERVICES_LIMIT = 127, // bytes of a key's services
    REQUEST_PARTS = 7,
    PART_LIMIT = 256
};

struct zap_key {
    uint8_t bytes[KEY_BYTES];
    char services[SERVICES_LIMIT + 1]; // set apart by commas; empty: any
    size_t services_length;
};

struct zmq_zap {
    struct zmq_watch watch;
    struct zap_key keys[KEYS_LIMIT];
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

// ---- the list

static bool is_separator(char c)
{
    return c == ',' || c == ';' || c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// The next word of the list; empty at its end.
static struct str word_next(struct str *rest)
{
    size_t begin = 0, end;

    while (begin < rest->len && is_separator(rest->ptr[begin]))
        begin++;
    for (end = begin; end < rest->len && !is_separator(rest->ptr[end]); end++)
        ;
    struct str word = str_make(rest->ptr + begin, end - begin);
    *rest = str_skip(*rest, end);
    return word;
}

static bool key_read(struct zmq_zap *zap, struct str word, struct err *err)
{
    struct zap_key *key = &zap->keys[zap->key_count];
    char text[KEY_TEXT + 1] = {0};

    if (zap->key_count == KEYS_LIMIT)
        return err_set(err, ERR_BAD_INPUT, "more than %d CURVE clients", KEYS_LIMIT);
    memcpy(text, word.ptr, KEY_TEXT);
    if (!zmq_z85_decode(key->bytes, text))
        return err_set(err, ERR_BAD_INPUT, "CURVE clients: key %zu is not Z85", zap->key_count + 1);
    for (size_t i = 0; i < zap->key_count; i++)
        if (memcmp(zap->keys[i].bytes, key->bytes, KEY_BYTES) == 0)
            return err_set(err, ERR_BAD_INPUT, "CURVE clients: key %zu is there twice",
                           zap->key_count + 1);
    zap->key_count++;
    return true;
}

static bool service_read(struct zmq_zap *zap, struct str word, struct err *err)
{
    struct zap_key *key = &zap->keys[zap->key_count - 1];

    for (size_t i = 0; i < word.len; i++)
        if (word.ptr[i] != '-' && (word.ptr[i] < 'a' || word.ptr[i] > 'z'))
            return err_set(err, ERR_BAD_INPUT,
                           "CURVE clients: a word behind key %zu is neither a service nor a key of "
                           "40 characters",
                           zap->key_count);
    if (key->services_length + 1 + word.len > SERVICES_LIMIT)
        return err_set(err, ERR_BAD_INPUT, "CURVE clients: key %zu has too many services",
                       zap->key_count);
    if (key->services_length > 0)
        key->services[key->services_length++] = ',';
    memcpy(key->services + key->services_length, word.ptr, word.len);
    key->services_length += word.len;
    return true;
}

// A word of 40 characters is a key, a shorter one a service of the key before it.
static bool keys_read(struct zmq_zap *zap, struct str allowed, struct err *err)
{
    size_t unbound = 0;

    for (struct str word = word_next(&allowed); word.len > 0; word = word_next(&allowed)) {
        if (word.len != KEY_TEXT && zap->key_count == 0)
            return err_set(err, ERR_BAD_INPUT,
                           "CURVE clients: the first word is not a key of 40 characters");
        if (!(word.len == KEY_TEXT ? key_read(zap, word, err) : service_read(zap, word, err)))
            return false;
    }
    if (zap->key_count == 0)
        return err_set(err, ERR_BAD_INPUT,
                       "CURVE is on, but no client key is allowed: nobody could connect");
    for (size_t i = 0; i < zap->key_count; i++)
        unbound += zap->keys[i].services_length == 0;
    if (unbound > 0)
        LOG_WARN("curve.keys_without_service", LOG_INT("keys", unbound));
    return true;
}

// Whom no service is named for is any.
bool zmq_zap_user_is(struct str user, struct str service)
{
    struct str one;

    if (str_equal(user, STR("*")))
        return true;
    while (str_present(user)) {
        str_cut(user, ',', &one, &user);
        if (str_equal(one, service))
            return true;
    }
    return false;
}

// ---- questions and answers

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

// NULL: nobody we know.
static const struct zap_key *zap_find(const struct zmq_zap *zap, const struct zap_request *request)
{
    struct str mechanism = str_make(request->parts[5].bytes, request->parts[5].length);
    const struct zap_key *found = NULL;

    if (!request->well_formed || !str_equal(mechanism, STR("CURVE")) ||
        request->parts[6].length != KEY_BYTES)
        return NULL;
    for (size_t i = 0; i < zap->key_count; i++)
        if (memcmp(zap->keys[i].bytes, request->parts[6].bytes, KEY_BYTES) == 0)
            found = &zap->keys[i];
    return found;
}

static void zap_answer(struct zmq_zap *zap, const struct zap_request *request,
                       const struct zap_key *key)
{
    struct str request_id = request->well_formed
                                ? str_make(request->parts[1].bytes, request->parts[1].length)
                                : STR("1");
    struct str user = !key                       ? STR("")
                      : key->services_length > 0 ? str_make(key->services, key->services_length)
                                                 : STR("*");
    const struct str parts[] = {STR("1.0"),
                                request_id,
                                key ? STR("200") : STR("400"),
                                key ? STR("OK") : STR("not on the list"),
                                user,
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
    zap_answer(zap, &request, zap_find(zap, &request));
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
