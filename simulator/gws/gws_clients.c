// gws_clients: the programs that may request tokens.
#include "base/heap.h"
#include "simulator/gws/gws_state.h"

#include <stdlib.h>

enum { LIFE_LIMIT_S = 366 * 86400, ACCESS_LIFE_S = 43200, REFRESH_LIFE_S = 2592000 };

static const struct {
    struct str name;
    enum gws_grant_type grant;
} grants[] = {
    {STR_INIT("client_credentials"), GWS_CLIENT_CREDENTIALS},
    {STR_INIT("password"), GWS_PASSWORD},
    {STR_INIT("authorization_code"), GWS_AUTHORIZATION_CODE},
    {STR_INIT("refresh_token"), GWS_REFRESH_TOKEN},
    {STR_INIT("implicit"), GWS_IMPLICIT},
};

enum gws_grant_type gws_grant_of(struct str name)
{
    for (size_t i = 0; i < COUNT_OF(grants); i++)
        if (str_equal(grants[i].name, name))
            return grants[i].grant;
    return 0;
}

static bool grants_read(const struct json_view *names, unsigned *allowed, struct err *err)
{
    const struct json_view *name;

    for (size_t i = 0; (name = json_element(names, i)); i++) {
        enum gws_grant_type grant = gws_grant_of(json_text(name));
        if (grant == 0)
            return err_set(err, ERR_BAD_INPUT, "authorizedGrantTypes has an unknown grant type");
        *allowed |= grant;
    }
    return *allowed != 0 || err_set(err, ERR_BAD_INPUT, "authorizedGrantTypes is empty");
}

static bool redirects_read(const struct json_view *uris, struct gws_client *client, struct err *err)
{
    const struct json_view *uri;

    for (size_t i = 0; (uri = json_element(uris, i)); i++) {
        if (i >= GWS_REDIRECTS_LIMIT || json_text(uri).len == 0 ||
            !gws_text_copy(&client->redirects[i], json_text(uri)))
            return err_set(err, ERR_BAD_INPUT, "redirectURIs has at most %d texts of 1 to %d bytes",
                           GWS_REDIRECTS_LIMIT, GWS_TEXT_LIMIT);
        client->redirect_count = i + 1;
    }
    return true;
}

static bool life_read(const struct json_view *description, const char *name, int64_t *seconds,
                      struct err *err)
{
    const struct json_view *value = json_member(description, name);

    return !value || (json_number(value, seconds) && *seconds > 0 && *seconds <= LIFE_LIMIT_S) ||
           err_set(err, ERR_BAD_INPUT, "%s is a number of seconds up to %d", name, LIFE_LIMIT_S);
}

bool gws_client_put(struct gws_host *gws, const struct json_view *description,
                    const struct gws_client **client, struct err *err)
{
    struct gws_client read = {.access_life_s = ACCESS_LIFE_S, .refresh_life_s = REFRESH_LIFE_S};
    struct str id = json_text(json_member(description, "client_id"));
    struct str secret = json_text(json_member(description, "client_secret"));

    if (id.len == 0 || !gws_text_copy(&read.id, id) || secret.len == 0 ||
        !gws_text_copy(&read.secret, secret))
        return err_set(err, ERR_BAD_INPUT,
                       "data.client_id and data.client_secret have 1 to %d bytes", GWS_TEXT_LIMIT);
    if (!grants_read(json_member(description, "authorizedGrantTypes"), &read.grants, err) ||
        !redirects_read(json_member(description, "redirectURIs"), &read, err) ||
        !life_read(description, "accessTokenExpirationTimeout", &read.access_life_s, err) ||
        !life_read(description, "refreshTokenExpirationTimeout", &read.refresh_life_s, err))
        return false;
    struct gws_client *known = map_get(gws->clients, id);
    if (!known) {
        if (map_count(gws->clients) >= GWS_CLIENTS_LIMIT)
            return err_set(err, ERR_BUSY, "there are %d clients already", GWS_CLIENTS_LIMIT);
        known = heap_new(sizeof *known);
        map_put(gws->clients, id, known);
    }
    *known = read;
    *client = known;
    return true;
}

const struct gws_client *gws_client_find(const struct gws_host *gws, struct str id)
{
    return str_present(id) ? map_get(gws->clients, id) : NULL;
}

static bool is_plain(struct str uri)
{
    for (size_t i = 0; i < uri.len; i++)
        if (uri.ptr[i] <= ' ' || uri.ptr[i] > '~')
            return false;
    return uri.len > 0 && uri.len <= GWS_TEXT_LIMIT;
}

// A registered http://host:80 does not reach http://host:8080, nor http://host:80@elsewhere.
bool gws_client_redirects_to(const struct gws_client *client, struct str uri)
{
    if (!is_plain(uri))
        return false;
    for (size_t i = 0; i < client->redirect_count; i++) {
        struct str registered = str_of(client->redirects[i]);
        if (!str_starts(uri, registered))
            continue;
        struct str rest = str_skip(uri, registered.len);
        if (rest.len == 0 || registered.ptr[registered.len - 1] == '/' ||
            memchr("/?#", rest.ptr[0], 3))
            return true;
    }
    return false;
}

bool gws_redirects_to(const struct gws_host *gws, struct str uri)
{
    size_t cursor = 0;
    struct str id;
    void *client;

    while (map_next(gws->clients, &cursor, &id, &client))
        if (gws_client_redirects_to(client, uri))
            return true;
    return false;
}

void gws_clients_free(struct gws_host *gws)
{
    size_t cursor = 0;
    struct str id;
    void *client;

    while (map_next(gws->clients, &cursor, &id, &client))
        free(client);
    map_free(&gws->clients);
}
