// route: a walk over the table; most rows end at the first bytes that differ, the busiest come
// first.
#include "gateway/route.h"

#include "base/buf.h"
#include "base/id.h"
#include "base/map.h"
#include "base/panic.h"

// What the words of routes.def mean.
#define ONE_TENANT  .tenants = TENANTS_ONE
#define ALL_TENANTS .tenants = TENANTS_ALL
#define PLATFORM    .tenants = TENANTS_PLATFORM
#define FREE        .metered = false
#define METERED     .metered = true
#define NAMED       .tenants = TENANTS_NAMED
#define DOCUMENTED  .documented = true
#define PEOPLES     .documented = true, .lenient = true
#define OURS        .documented = false
#define CONDITIONAL , .conditional = true
#define VERSIONED   , .versioned = true
#define UNLIMITED   .limited = false
#define LIMITED     .limited = true
#define ANYWHERE                                                                                   \
    {                                                                                              \
        .kind = PARTITION_ANYWHERE                                                                 \
    }
#define BY(message, field)                                                                         \
    {                                                                                              \
        .kind = _Generic(((struct msg_##message *)0)->field, struct str                            \
                         : PARTITION_STR, struct id                                                \
                         : PARTITION_ID),                                                          \
        .offset = offsetof(struct msg_##message, field)                                            \
    }

static const struct route routes[ROUTE_COUNT] = {
#define CALL(row, verb, text, msg, proof, right, whose, surface, style, code, rate, limit_ms,      \
             place, says)                                                                          \
    [ROUTE_##row] = {.id = ROUTE_##row,                                                            \
                     .name = #row,                                                                 \
                     .method = METHOD_##verb,                                                      \
                     .path = STR_INIT(text),                                                       \
                     .message = MSG_##msg,                                                         \
                     .credentials = CREDENTIALS_##proof,                                           \
                     .permission = PERMISSION_##right,                                             \
                     whose,                                                                        \
                     surface,                                                                      \
                     .envelope = ENVELOPE_##style,                                                 \
                     .status = code,                                                               \
                     rate,                                                                         \
                     .deadline_ms = limit_ms,                                                      \
                     .partition = place,                                                           \
                     .summary = says},
#define STREAM(row, verb, text, proof, right, function, says)                                      \
    [ROUTE_##row] = {.id = ROUTE_##row,                                                            \
                     .name = #row,                                                                 \
                     .method = METHOD_##verb,                                                      \
                     .path = STR_INIT(text),                                                       \
                     .own = true,                                                                  \
                     .credentials = CREDENTIALS_##proof,                                           \
                     .permission = PERMISSION_##right,                                             \
                     .status = 200,                                                                \
                     .summary = says},
#define OWN(row, verb, text, proof, right, whose, function, says)                                  \
    [ROUTE_##row] = {.id = ROUTE_##row,                                                            \
                     .name = #row,                                                                 \
                     .method = METHOD_##verb,                                                      \
                     .path = STR_INIT(text),                                                       \
                     .own = true,                                                                  \
                     .credentials = CREDENTIALS_##proof,                                           \
                     .permission = PERMISSION_##right,                                             \
                     whose,                                                                        \
                     .status = 200,                                                                \
                     .summary = says},
#define LOCAL(row, verb, text, meter, function, says)                                              \
    [ROUTE_##row] = {.id = ROUTE_##row,                                                            \
                     .name = #row,                                                                 \
                     .method = METHOD_##verb,                                                      \
                     .path = STR_INIT(text),                                                       \
                     .own = true,                                                                  \
                     .credentials = CREDENTIALS_NONE,                                              \
                     .permission = PERMISSION_NOBODY,                                              \
                     meter,                                                                        \
                     .status = 200,                                                                \
                     .summary = says},
#include "gateway/routes.def"
};

static const char *const methods[METHOD_COUNT] = {
    [METHOD_GET] = "GET", [METHOD_POST] = "POST", [METHOD_PUT] = "PUT", [METHOD_DELETE] = "DELETE"};

// Does the path follow the template? Fills the match's parameters; a "{name}" stands for one
// segment that is not empty.
static bool path_follows(struct str template, struct str path, struct route_match *match)
{
    match->parameter_count = 0;
    while (template.len && path.len) {
        if (template.ptr[0] != '{') {
            if (template.ptr[0] != path.ptr[0])
                return false;
            template = str_skip(template, 1);
            path = str_skip(path, 1);
            continue;
        }
        struct str name, value;
        size_t length = 0;
        str_cut(str_skip(template, 1), '}', &name, &template);
        while (length < path.len && path.ptr[length] != '/')
            length++;
        value = str_make(path.ptr, length);
        path = str_skip(path, length);
        if (length == 0)
            return false;
        ASSERT(match->parameter_count < ROUTE_PARAMETERS);
        match->parameters[match->parameter_count].name = name;
        match->parameters[match->parameter_count++].value = value;
    }
    return template.len == 0 && path.len == 0;
}

void route_find(struct str method, struct str path, struct route_match *match)
{
    struct route_match attempt = {0};

    *match = (struct route_match){0};
    if (str_equal(method, STR("HEAD")))
        method = STR("GET");
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        if (!path_follows(routes[i].path, path, &attempt))
            continue;
        match->allowed |= 1U << routes[i].method;
        if (!match->manner || (routes[i].documented && !match->manner->documented))
            match->manner = &routes[i];
        if (str_equal(method, str_of(methods[routes[i].method]))) {
            *match = attempt;
            match->route = match->manner = &routes[i];
            return;
        }
    }
}

const struct route *route_of(enum route_id id)
{
    return &routes[id];
}

struct str route_parameter(const struct route_match *match, struct str name)
{
    for (size_t i = 0; i < match->parameter_count; i++)
        if (str_equal(match->parameters[i].name, name))
            return match->parameters[i].value;
    return STR_ABSENT;
}

const char *route_verb(const struct route *route)
{
    return methods[route->method];
}

struct str route_allow(unsigned allowed, char text[static ROUTE_ALLOW_LENGTH])
{
    size_t length = 0;

    for (unsigned i = 0; i < METHOD_COUNT; i++)
        if (allowed & 1U << i)
            length +=
                (size_t)snprintf(text + length, ROUTE_ALLOW_LENGTH - length, "%s%s%s",
                                 length ? ", " : "", methods[i], i == METHOD_GET ? ", HEAD" : "");
    return str_make(text, length);
}

uint64_t route_partition(const struct route *route, const void *message)
{
    static const uint8_t same_everywhere[16] = {0};
    const void *field = (const char *)message + route->partition.offset;

    switch (route->partition.kind) {
    case PARTITION_STR: return siphash(same_everywhere, *(const struct str *)field);
    case PARTITION_ID: return siphash(same_everywhere, id_bytes(field));
    case PARTITION_ANYWHERE: break;
    }
    return 0;
}
