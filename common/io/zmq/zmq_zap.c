// zmq_zap: gives zauth the certificates by which it answers, in a thread of its own. The services
// of a key are metadata of its certificate. zauth passes them to libzmq, and libzmq to every
// message of the connection. A peer can send metadata, too, but libzmq prefers that of the
// certificate, and every certificate has some.
//
// A signal would end zauth's thread, because zpoller takes an interruption for the end of the
// process. So the thread blocks all signals.
#include "io/zmq/zmq_zap.h"

#include "base/buf.h"
#include "base/heap.h"
#include "telemetry/log.h"

#include <signal.h>
#include <stdlib.h>

enum {
    KEY_BYTES = 32,
    KEY_TEXT = 40,
    KEYS_LIMIT = 256,
    SERVICES_LIMIT = 127, // bytes of a key's services; zauth has room for 512 bytes of metadata
};

struct zmq_zap {
    zactor_t *zauth;
};

// The list while it is read. A key is inserted when all its services are known.
struct key_list {
    zcertstore_t *store;
    zcert_t *key;        // the last one
    struct buf services; // of that key, separated by commas
    size_t keys, any;    // how many, and how many of them have no service
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

static void key_finish(struct key_list *list)
{
    if (!list->key)
        return;
    list->any += list->services.len == 0;
    zcert_set_meta(list->key, ZMQ_ZAP_SERVICES, "%s",
                   list->services.len > 0 ? buf_c_string(&list->services) : "*");
    zcertstore_insert(list->store, &list->key);
    buf_clear(&list->services);
}

static bool key_read(struct key_list *list, struct str word, struct err *err)
{
    static const uint8_t unknown[KEY_BYTES] = {0};
    uint8_t bytes[KEY_BYTES];
    char text[KEY_TEXT + 1] = {0};

    key_finish(list);
    if (list->keys == KEYS_LIMIT)
        return err_set(err, ERR_BAD_INPUT, "more than %d CURVE clients", KEYS_LIMIT);
    memcpy(text, word.ptr, KEY_TEXT);
    list->keys++;
    if (!zmq_z85_decode(bytes, text))
        return err_set(err, ERR_BAD_INPUT, "CURVE clients: key %zu is not Z85", list->keys);
    list->key = zcert_new_from(bytes, unknown);
    if (zcertstore_lookup(list->store, zcert_public_txt(list->key)))
        return err_set(err, ERR_BAD_INPUT, "CURVE clients: key %zu is there twice", list->keys);
    return true;
}

static bool service_read(struct key_list *list, struct str word, struct err *err)
{
    for (size_t i = 0; i < word.len; i++)
        if (word.ptr[i] != '-' && (word.ptr[i] < 'a' || word.ptr[i] > 'z'))
            return err_set(err, ERR_BAD_INPUT,
                           "CURVE clients: a word behind key %zu is neither a service nor a key of "
                           "40 characters",
                           list->keys);
    if (list->services.len + 1 + word.len > SERVICES_LIMIT)
        return err_set(err, ERR_BAD_INPUT, "CURVE clients: key %zu has too many services",
                       list->keys);
    if (list->services.len > 0)
        buf_byte(&list->services, ',');
    buf_str_append(&list->services, word);
    return true;
}

// A word of 40 characters is a key, a shorter one a service of the key before it.
static bool words_read(struct key_list *list, struct str allowed, struct err *err)
{
    for (struct str word = word_next(&allowed); word.len > 0; word = word_next(&allowed)) {
        if (word.len != KEY_TEXT && list->keys == 0)
            return err_set(err, ERR_BAD_INPUT,
                           "CURVE clients: the first word is not a key of 40 characters");
        if (!(word.len == KEY_TEXT ? key_read(list, word, err) : service_read(list, word, err)))
            return false;
    }
    if (list->keys == 0)
        return err_set(
            err, ERR_BAD_INPUT,
            "CURVE is on, but NEXUS_CURVE_CLIENTS allows no key, so nothing could connect");
    key_finish(list);
    if (list->any > 0)
        LOG_WARN("curve.keys_without_service", LOG_INT("keys", list->any));
    return true;
}

// NULL: the list is invalid.
static zcertstore_t *store_make(struct str allowed, struct err *err)
{
    struct key_list list = {.store = zcertstore_new(NULL)};

    if (!words_read(&list, allowed, err))
        zcertstore_destroy(&list.store);
    zcert_destroy(&list.key);
    buf_release(&list.services);
    return list.store;
}

// A key without services may be any service.
bool zmq_zap_may_be(struct str services, struct str service)
{
    struct str one;

    if (str_equal(services, STR("*")))
        return true;
    while (str_present(services)) {
        str_cut(services, ',', &one, &services);
        if (str_equal(one, service))
            return true;
    }
    return false;
}

// ---- the thread

// zauth's thread inherits the mask. Starting and stopping it wait for it, and are not interrupted.
static void signals_block(sigset_t *before)
{
    sigset_t all;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, before);
}

struct zmq_zap *zmq_zap_new(struct str allowed, struct err *err)
{
    zcertstore_t *store = store_make(allowed, err);
    sigset_t before;

    if (!store)
        return NULL;
    struct zmq_zap *zap = heap_new(sizeof *zap);
    signals_block(&before);
    zap->zauth = zactor_new(zauth, store); // takes over the store
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return zap;
}

void zmq_zap_free(struct zmq_zap **zap)
{
    sigset_t before;

    if (!*zap)
        return;
    signals_block(&before);
    zactor_destroy(&(*zap)->zauth);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    free(*zap);
    *zap = NULL;
}
