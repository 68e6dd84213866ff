// http_crowd: which addresses hold the server's connections, and which connection is closed when
// there are too many (http_server.h).
//
// Each address has a place as long as it has a connection. Its connections that wait for a request
// are on its list, oldest first; those of all addresses are also on the server's list `waiting`. So
// the oldest one is always the first of a list, and nothing is searched.
#include "io/http_server/http_h2o.h"

#include "base/heap.h"
#include "base/map.h"
#include "io/tcp/address.h"

#include <sys/socket.h>

// This many are accepted over the limit when no connection is idle, for health probes.
enum { SPARE_LIMIT = 64, NETWORK_BYTES = 8 };

struct http_place {
    uint8_t address[ADDRESS_BYTES]; // IPv6: its /64, which usually belongs to one customer
    size_t connections, open;       // all; those within the limits
    struct list idle;
};

static struct str key_of(const uint8_t address[static ADDRESS_BYTES])
{
    return str_make(address, ADDRESS_BYTES);
}

// NULL where no limit applies, or the peer's address is no longer known.
static struct http_place *place_find(struct http_server *server, int descriptor)
{
    struct sockaddr_storage peer = {0};
    socklen_t length = sizeof peer;
    uint8_t address[ADDRESS_BYTES];
    struct http_place *place;

    if (server->options.connections_of_address == 0 ||
        getpeername(descriptor, (struct sockaddr *)&peer, &length) != 0 ||
        !address_read((struct sockaddr *)&peer, address) ||
        (server->options.trusted && address_is_of(address, server->options.trusted)))
        return NULL;
    if (!address_is_v4(address))
        memset(address + NETWORK_BYTES, 0, ADDRESS_BYTES - NETWORK_BYTES);
    place = map_get(server->places, key_of(address));
    if (place)
        return place;
    place = heap_new(sizeof *place);
    memcpy(place->address, address, ADDRESS_BYTES);
    list_init(&place->idle);
    map_put(server->places, key_of(place->address), place);
    return place;
}

static bool place_is_full(const struct http_server *server, const struct http_place *place)
{
    return place && place->open >= server->options.connections_of_address;
}

static bool server_is_full(const struct http_server *server)
{
    return server->open >= server->options.connections_limit;
}

// The connection leaves the lists before it is closed, because closing may have to wait for a write
// to fail.
static void oldest_close(struct connection *oldest, uint64_t *count)
{
    ++*count;
    list_remove(&oldest->state);
    http_crowd_works(oldest);
    http_crowd_leave(oldest);
    http_connection_cut(oldest);
}

static void room_make(struct http_server *server, struct http_place *place)
{
    if (place_is_full(server, place) && !list_is_empty(&place->idle))
        oldest_close(LIST_FIRST(&place->idle, struct connection, idle_there),
                     &server->counts.closed_address);
    else if (server_is_full(server) && !list_is_empty(&server->waiting))
        oldest_close(LIST_FIRST(&server->waiting, struct connection, state),
                     &server->counts.closed_full);
}

bool http_crowd_enter(struct connection *connection, int descriptor)
{
    struct http_server *server = connection->server;
    struct http_place *place = place_find(server, descriptor);

    connection->place = place;
    if (place)
        place->connections++; // so that it stays while others of it are closed
    room_make(server, place);
    connection->is_spare = place_is_full(server, place) || server_is_full(server);
    if (connection->is_spare && server->spare >= SPARE_LIMIT) {
        server->counts.refused_full++;
        return false;
    }
    connection->is_counted = true;
    server->open += !connection->is_spare;
    server->spare += connection->is_spare;
    if (place)
        place->open += !connection->is_spare;
    return true;
}

void http_crowd_leave(struct connection *connection)
{
    struct http_server *server = connection->server;
    struct http_place *place = connection->place;

    http_crowd_works(connection);
    connection->place = NULL;
    if (connection->is_counted) {
        connection->is_counted = false;
        server->open -= !connection->is_spare;
        server->spare -= connection->is_spare;
        if (place)
            place->open -= !connection->is_spare;
    }
    if (place && --place->connections == 0) {
        map_remove(server->places, key_of(place->address));
        free(place);
    }
}

void http_crowd_waits(struct connection *connection)
{
    http_crowd_works(connection);
    if (connection->place)
        list_append(&connection->place->idle, &connection->idle_there);
}

void http_crowd_works(struct connection *connection)
{
    if (list_is_linked(&connection->idle_there))
        list_remove(&connection->idle_there);
}

// Closes one idle connection. The listener accepts the new one when its descriptor is free.
void http_crowd_shortage(void *context)
{
    struct http_server *server = context;

    if (!list_is_empty(&server->waiting))
        oldest_close(LIST_FIRST(&server->waiting, struct connection, state),
                     &server->counts.closed_full);
}
