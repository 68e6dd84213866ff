// The parts of a request that the gateway reads beside its body: path, permissions and position.
#include "tests/fuzz/fuzz.h"

#include "gateway/events/event_batch.h"
#include "gateway/identity/permission.h"
#include "gateway/route.h"

static void path(struct str method, struct str path)
{
    struct route_match match;

    route_find(method, path, &match);
    if (!match.route)
        return;
    ASSERT(match.parameter_count <= ROUTE_PARAMETERS);
    for (size_t i = 0; i < match.parameter_count; i++) {
        struct str value = match.parameters[i].value;
        ASSERT(value.ptr >= path.ptr && value.ptr + value.len <= path.ptr + path.len);
        ASSERT(value.len > 0 && !memchr(value.ptr, '/', value.len));
    }
}

static void position(struct str text)
{
    struct event_position position, again;
    char written[EVENT_POSITION_LENGTH];

    if (!event_position_parse(text, &position))
        return;
    ASSERT(event_position_parse(event_position_text(position, written), &again));
    ASSERT(!event_position_after(position, again) && !event_position_after(again, position));
}

FUZZ(bytes)
{
    static const struct str methods[] = {STR_INIT("GET"), STR_INIT("POST"), STR_INIT("HEAD"),
                                         STR_INIT("DELETE"), STR_INIT("BREW")};
    struct str method = methods[fuzz_choice(&bytes, COUNT_OF(methods))];

    path(method, bytes);
    position(bytes);
    ASSERT(permission_bits(bytes) < 1U << PERMISSION_COUNT);
}
