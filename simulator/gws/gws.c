// gws: contact centers and users.
#include "simulator/gws/gws.h"

#include "base/heap.h"
#include "base/panic.h"
#include "simulator/gws/gws_state.h"

#include <stdlib.h>

struct gws_setting {
    struct list link;
    char *name, *location; // a setting is replaced by the same name and location
    char *json;
};

struct gws_host *gws_host_new(void)
{
    struct gws_host *gws = heap_new(sizeof *gws);
    gws->centers = map_new();
    gws->clients = map_new();
    gws->tokens = map_new();
    list_init(&gws->oldest);
    return gws;
}

static void setting_free(struct gws_setting *setting)
{
    free(setting->name);
    free(setting->location);
    free(setting->json);
    free(setting);
}

void gws_host_free(struct gws_host **gws)
{
    struct gws_host *ending = *gws;
    size_t cursor = 0;
    struct str id;
    void *value;

    *gws = NULL;
    if (!ending)
        return;
    gws_tokens_free(ending);
    gws_clients_free(ending);
    while (map_next(ending->centers, &cursor, &id, &value)) {
        struct gws_center *center = value;
        LIST_EACH (&center->settings, struct gws_setting, link, setting)
            setting_free(setting);
        free(center);
    }
    map_free(&ending->centers);
    free(ending);
}

bool gws_text_copy(char (*to)[GWS_TEXT_LIMIT + 1], struct str text)
{
    if (text.len > GWS_TEXT_LIMIT || (text.len > 0 && memchr(text.ptr, '\0', text.len)))
        return false;
    if (text.len > 0)
        memcpy(*to, text.ptr, text.len);
    (*to)[text.len] = '\0';
    return true;
}

// --- contact centers

struct gws_center *gws_center_find(const struct gws_host *gws, struct str id)
{
    char text[ID_TEXT_LENGTH + 1];
    struct id parsed;

    if (!id_parse(id, &parsed))
        return NULL;
    id_text(parsed, text);
    return map_get(gws->centers, str_of(text));
}

struct gws_center *gws_center_ensure(struct gws_host *gws, struct str id, struct err *err)
{
    struct gws_center *center = gws_center_find(gws, id);
    struct id parsed;

    if (center)
        return center;
    if (!id_parse(id, &parsed)) {
        err_set(err, ERR_BAD_INPUT, "a contact center's id is a UUID");
        return NULL;
    }
    if (map_count(gws->centers) >= GWS_CONTACT_CENTERS_LIMIT) {
        err_set(err, ERR_BUSY, "there are %d contact centers already", GWS_CONTACT_CENTERS_LIMIT);
        return NULL;
    }
    center = heap_new(sizeof *center);
    id_text(parsed, center->id);
    id_text(id_new(), center->environment_id);
    list_init(&center->settings);
    map_put(gws->centers, str_of(center->id), center);
    return center;
}

void gws_centers_write(const struct gws_host *gws, struct buf *out)
{
    size_t cursor = 0;
    struct str id;
    void *value;

    json_open(out, '[');
    while (map_next(gws->centers, &cursor, &id, &value)) {
        const struct gws_center *center = value;
        json_open(out, '{');
        json_key_str(out, "id", id);
        json_key_str(out, "environmentId", str_of(center->environment_id));
        json_key_raw(out, "domains", STR("[]"));
        json_key_str(out, "auth", STR("configServer"));
        json_close(out, '}');
    }
    json_close(out, ']');
}

static char *text_of(struct str text)
{
    char *copy = strndup(str_present(text) ? text.ptr : "", text.len);

    ASSERT(copy);
    return copy;
}

bool gws_setting_put(struct gws_center *center, const struct json_view *setting,
                     struct arena *arena, struct err *err)
{
    struct str name = json_text(json_member(setting, "name"));
    struct str location = json_text(json_member(setting, "location"));
    struct str json = setting ? json_compact(setting, arena) : STR_ABSENT;

    if (name.len == 0 || name.len > GWS_TEXT_LIMIT || location.len > GWS_TEXT_LIMIT)
        return err_set(err, ERR_BAD_INPUT, "data.name and data.location have at most %d bytes",
                       GWS_TEXT_LIMIT);
    if (!json_member(setting, "value") || json.len > 16 * GWS_TEXT_LIMIT)
        return err_set(err, ERR_BAD_INPUT, "data.value is missing or too long");
    LIST_EACH (&center->settings, struct gws_setting, link, old) {
        if (!str_equal(str_of(old->name), name) || !str_equal(str_of(old->location), location))
            continue;
        free(old->json);
        old->json = text_of(json);
        return true;
    }
    if (center->setting_count >= GWS_SETTINGS_LIMIT)
        return err_set(err, ERR_BUSY, "there are %d settings already", GWS_SETTINGS_LIMIT);
    struct gws_setting *added = heap_new(sizeof *added);
    added->name = text_of(name);
    added->location = text_of(location);
    added->json = text_of(json);
    list_append(&center->settings, &added->link);
    center->setting_count++;
    return true;
}

void gws_settings_write(const struct gws_center *center, struct buf *out)
{
    json_open(out, '[');
    LIST_EACH (&center->settings, struct gws_setting, link, setting)
        json_raw(out, str_of(setting->json));
    json_close(out, ']');
}

// --- users

static const struct {
    struct str name, password;
    enum gws_role role;
    bool is_in_a_center;
} people[] = {
#define AGENT(number)                                                                              \
    {                                                                                              \
        STR_INIT("agent" #number), STR_INIT("nexus_password"), GWS_AGENT, true                     \
    }
    {STR_INIT("ops"), STR_INIT("ops"), GWS_OPERATOR, false},
    {STR_INIT("nexus"), STR_INIT("nexus_password"), GWS_ADMINISTRATOR, true},
    AGENT(1),
    AGENT(2),
    AGENT(3),
    AGENT(4),
    AGENT(5),
    AGENT(6),
    AGENT(7),
    AGENT(8),
    AGENT(9),
#undef AGENT
};

static const struct str authorities[] = {[GWS_OPERATOR] = STR_INIT("ROLE_OPS"),
                                         [GWS_ADMINISTRATOR] = STR_INIT("ROLE_ADMIN"),
                                         [GWS_AGENT] = STR_INIT("ROLE_AGENT"),
                                         [GWS_INTERNAL_CLIENT] = STR_INIT("ROLE_INTERNAL_CLIENT")};

enum { FIRST_DBID = 101 };

bool gws_log_in(struct gws_host *gws, struct str username, struct str password,
                struct gws_login *user, struct err *err)
{
    struct str center, name;
    struct gws_login found = {0};
    bool is_in_a_center = str_cut(username, '\\', &center, &name);

    if (!is_in_a_center)
        name = username;
    else if (str_starts(name, STR("\\")))
        name = str_skip(name, 1);
    for (size_t i = 0; i < COUNT_OF(people); i++) {
        if (people[i].is_in_a_center != is_in_a_center || !str_equal(people[i].name, name) ||
            !str_equal(people[i].password, password))
            continue;
        found.role = people[i].role;
        found.dbid = FIRST_DBID + (int)i;
        if (is_in_a_center && !(found.center = gws_center_ensure(gws, center, err)))
            return false;
        ASSERT(gws_text_copy(&found.name, name));
        *user = found;
        return true;
    }
    return err_set(err, ERR_UNKNOWN_KEY, "Bad credentials");
}

bool gws_is_operator(struct str name, struct str password)
{
    return str_equal(name, people[0].name) && str_equal(password, people[0].password);
}

void gws_user_write(const struct gws_login *user, struct buf *out)
{
    AUTO(buf) login = {0};

    buf_printf(&login, "%s%s%s", user->center ? user->center->id : "", user->center ? "\\" : "",
               user->name);
    json_open(out, '{');
    json_key_str(out, "username", str_of(user->name));
    json_key_str(out, "loginName", buf_str(&login));
    json_key_str(out, "cmeUserName", str_of(user->name));
    if (user->center) {
        json_key_str(out, "contactCenterId", str_of(user->center->id));
        json_key_str(out, "environmentId", str_of(user->center->environment_id));
    }
    json_key_int(out, "dbid", user->dbid);
    json_key(out, "authorities");
    json_open(out, '[');
    json_open(out, '{');
    json_key_str(out, "name", authorities[user->role]);
    json_key_raw(out, "privileges", STR("[]"));
    json_close(out, '}');
    json_close(out, ']');
    json_key_raw(out, "properties", STR("{}"));
    json_close(out, '}');
}
