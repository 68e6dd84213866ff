// endpoints: a name is resolved in libuv's thread pool; a look while one is still on its way is
// skipped for that name.
#include "bus/worker/endpoints.h"

#include "base/buf.h"
#include "base/heap.h"
#include "base/list.h"

#include <glob.h>
#include <stdlib.h>

struct endpoint {
    struct list link;
    struct endpoints *endpoints;
    bool is_file, resolving;
    char text[ENDPOINT_LIMIT]; // the path, or the name
    unsigned port;
    uv_getaddrinfo_t request;
};

struct endpoints {
    uv_loop_t *loop;
    struct list all;
    endpoint_found_fn *found;
    void *context;
    unsigned resolving;
    bool closed;
};

static bool tcp_parse(struct endpoint *endpoint, struct str rest)
{
    size_t colon = rest.len;
    int64_t number;

    while (colon > 0 && rest.ptr[colon - 1] != ':')
        colon--;
    if (colon < 2 || !str_to_int(str_skip(rest, colon), 1, 65535, &number))
        return false;
    struct str name = str_make(rest.ptr, colon - 1);
    if (name.ptr[0] == '[' && name.ptr[name.len - 1] == ']') // [::1]
        name = str_make(name.ptr + 1, name.len - 2);
    memcpy(endpoint->text, name.ptr, name.len);
    endpoint->port = (unsigned)number;
    return true;
}

static bool endpoint_add(struct endpoints *endpoints, struct str text, struct err *err)
{
    struct str ipc = STR("ipc://"), tcp = STR("tcp://");
    struct endpoint *endpoint = heap_new(sizeof *endpoint);
    bool ok = text.len > ipc.len && text.len < ENDPOINT_LIMIT;

    endpoint->endpoints = endpoints;
    endpoint->request.data = endpoint;
    endpoint->is_file = str_starts(text, ipc);
    list_append(&endpoints->all, &endpoint->link);
    if (ok && endpoint->is_file)
        memcpy(endpoint->text, text.ptr + ipc.len, text.len - ipc.len);
    else
        ok = ok && str_starts(text, tcp) && tcp_parse(endpoint, str_skip(text, tcp.len));
    return ok ||
           err_set(err, ERR_BAD_INPUT, "bus address %.*s is neither ipc://path nor tcp://name:port",
                   STR_ARG(text));
}

struct endpoints *endpoints_new(uv_loop_t *loop, struct str list, endpoint_found_fn *found,
                                void *context, struct err *err)
{
    struct endpoints *endpoints = heap_new(sizeof *endpoints);
    struct str one;
    bool ok = true;

    *endpoints = (struct endpoints){.loop = loop, .found = found, .context = context};
    list_init(&endpoints->all);
    while (ok && str_present(list)) {
        str_cut(list, ',', &one, &list);
        one = str_trim(one);
        ok = one.len == 0 || endpoint_add(endpoints, one, err);
    }
    if (ok && list_is_empty(&endpoints->all))
        ok = err_set(err, ERR_BAD_INPUT, "the bus has no address to connect to");
    if (!ok)
        endpoints_free(&endpoints);
    return endpoints;
}

static void endpoints_end(struct endpoints *endpoints)
{
    LIST_EACH (&endpoints->all, struct endpoint, link, endpoint)
        free(endpoint);
    free(endpoints);
}

void endpoints_free(struct endpoints **endpoints)
{
    if (!*endpoints)
        return;
    (*endpoints)->closed = true;
    if ((*endpoints)->resolving == 0)
        endpoints_end(*endpoints);
    *endpoints = NULL; // else the last look-up that returns ends it
}

static void report(const struct endpoint *endpoint, struct buf *address)
{
    if (address->len < ENDPOINT_LIMIT)
        endpoint->endpoints->found(endpoint->endpoints->context, buf_c_string(address));
}

static void files_look(const struct endpoint *endpoint)
{
    AUTO(buf) address = {0};
    glob_t matches;

    if (glob(endpoint->text, GLOB_NOSORT, NULL, &matches) == 0) {
        for (size_t i = 0; i < matches.gl_pathc; i++) {
            buf_clear(&address);
            buf_printf(&address, "ipc://%s", matches.gl_pathv[i]);
            report(endpoint, &address);
        }
    }
    globfree(&matches);
}

static void address_report(const struct endpoint *endpoint, const struct addrinfo *one)
{
    AUTO(buf) address = {0};
    char text[64] = "";
    bool v6 = one->ai_family == AF_INET6;

    if (v6)
        uv_ip6_name((const struct sockaddr_in6 *)(const void *)one->ai_addr, text, sizeof text);
    else
        uv_ip4_name((const struct sockaddr_in *)(const void *)one->ai_addr, text, sizeof text);
    buf_printf(&address, v6 ? "tcp://[%s]:%u" : "tcp://%s:%u", text, endpoint->port);
    report(endpoint, &address);
}

static void name_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *addresses)
{
    struct endpoint *endpoint = request->data;
    struct endpoints *endpoints = endpoint->endpoints;

    endpoint->resolving = false;
    endpoints->resolving--;
    for (const struct addrinfo *one = addresses; status == 0 && one; one = one->ai_next)
        if (!endpoints->closed && (one->ai_family == AF_INET || one->ai_family == AF_INET6))
            address_report(endpoint, one);
    uv_freeaddrinfo(addresses);
    if (endpoints->closed && endpoints->resolving == 0)
        endpoints_end(endpoints);
}

static void name_look(struct endpoint *endpoint)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};

    if (endpoint->resolving)
        return;
    if (uv_getaddrinfo(endpoint->endpoints->loop, &endpoint->request, name_resolved, endpoint->text,
                       NULL, &hints) != 0)
        return; // the next look tries again
    endpoint->resolving = true;
    endpoint->endpoints->resolving++;
}

void endpoints_look(struct endpoints *endpoints)
{
    LIST_EACH (&endpoints->all, struct endpoint, link, endpoint) {
        if (endpoint->is_file)
            files_look(endpoint);
        else
            name_look(endpoint);
    }
}
