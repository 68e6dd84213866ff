#include "docs/openapi/document.h"

#include "docs/openapi/answers.h"
#include "docs/openapi/reply.h"
#include "gateway/route.h"
#include "rows.h"
#include "wire/json/codec_json.h"

Test(document, is_json)
{
    AUTO(buf) text = {0};
    struct arena *arena = arena_new();
    const struct json_view *document;
    struct err err = {0};

    document_write(&text);

    cr_assert(json_parse(buf_str(&text), arena, &document, &err), "%s", err.text);
    cr_assert(str_equal(json_text(json_member(document, "openapi")), STR("3.1.0")));
    arena_free(&arena);
}

Test(document, describes_every_route)
{
    AUTO(buf) text = {0};
    struct arena *arena = arena_new();
    const struct json_view *document, *operation;
    struct err err = {0};
    static const char *const keys[] = {"get", "post", "put", "delete"};

    document_write(&text);
    cr_assert(json_parse(buf_str(&text), arena, &document, &err), "%s", err.text);

    for (int id = 0; id < ROUTE_COUNT; id++) {
        const struct route *route = route_of((enum route_id)id);
        AUTO(buf) path = {0};
        buf_str_append(&path, route->path);
        const char *where = answers_are_for_browsers(route) ? "x-pages" : "paths";
        operation = json_member(json_member(json_member(document, where), buf_c_string(&path)),
                                keys[route->method]);
        cr_assert(eq(int, json_kind(operation), TREE_OBJECT), "%s", route->name);
        cr_assert(str_equal(json_text(json_member(operation, "summary")), str_of(route->summary)));
    }
    arena_free(&arena);
}

Test(document, knows_the_reply_of_every_message_that_a_route_sends)
{
    for (int id = 0; id < ROUTE_COUNT; id++) {
        const struct route *route = route_of((enum route_id)id);
        if (!route->own)
            cr_assert(reply_type(route->message)->declared, "no REPLY of %s in replies",
                      route->name);
    }
}
