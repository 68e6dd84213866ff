#include "gateway/route.h"

#include "base/id.h"
#include "rows.h"

static const struct find_row {
    const char *method, *path;
    int route; // -1: none
    unsigned allowed;
} find_rows[] = {
    {"POST", "/nexus/v3/sms/message", ROUTE_SMS_MESSAGE, 1U << METHOD_POST},
    {"POST", "/nexus/v3/sms/receipt", ROUTE_SMS_RECEIPT, 1U << METHOD_POST},
    {"GET", "/nexus/v3/sms/receipts/unmatched", ROUTE_RECEIPTS_UNMATCHED, 1U << METHOD_GET},
    {"GET", "/nexus/v3/sms/message", -1, 1U << METHOD_POST},
    {"BREW", "/nexus/v3/sms/message", -1, 1U << METHOD_POST},
    {"POST", "/nexus/v3/sms/message/", -1, 0},
    {"POST", "/nexus/v3/sms/messag", -1, 0},
    {"POST", "/nexus/v3/sms/messages", -1, 0},
    {"GET", "/", -1, 0},
    {"GET", "", -1, 0},
    {"GET", "/chat/v3/conversations", ROUTE_CONVERSATIONS, 1U << METHOD_GET},
    {"HEAD", "/chat/v3/conversations", ROUTE_CONVERSATIONS, 1U << METHOD_GET},
    {"GET", "/chat/v3/conversations/", -1, 0},
    {"GET", "/chat/v3/conversations/abc", ROUTE_CONVERSATION, 1U << METHOD_GET},
    {"GET", "/chat/v3/conversations/abc/messages", ROUTE_TRANSCRIPT, 1U << METHOD_GET},
    {"POST", "/chat/v3/conversations/abc/accept", ROUTE_CONVERSATION_ACCEPT, 1U << METHOD_POST},
    {"POST", "/chat/v3/conversations//accept", -1, 0},
    {"POST", "/chat/v3/conversations/abc/reject", -1, 0},
    {"GET", "/health/ready", ROUTE_HEALTH_READY, 1U << METHOD_GET},
};

ROWS_TEST(route, finds_the_row_of_a_method_and_path, find_rows)
{
    struct route_match match;

    route_find(str_of(row->method), str_of(row->path), &match);

    if (row->route < 0) {
        cr_assert(eq(ptr, (void *)match.route, NULL));
        cr_assert(eq(u32, match.allowed, row->allowed));
    } else {
        cr_assert(ne(ptr, (void *)match.route, NULL));
        cr_assert(eq(int, (int)match.route->id, row->route));
        cr_assert(eq(int, match.route->status, 200));
    }
}

Test(route, gives_the_parameter_as_it_is_in_the_path)
{
    struct route_match match;

    route_find(STR("POST"), STR("/chat/v3/conversations/a%20b/messages"), &match);

    cr_assert(eq(sz, match.parameter_count, 1));
    cr_assert(str_equal(match.parameters[0].name, STR("id")));
    cr_assert(str_equal(match.parameters[0].value, STR("a%20b")));
}

Test(route, lists_the_methods_of_a_path_that_lacks_the_requested_one)
{
    struct route_match match;
    char text[ROUTE_ALLOW_LENGTH];

    route_find(STR("DELETE"), STR("/chat/v3/conversations/x/messages"), &match);

    cr_assert(str_equal(route_allow(match.allowed, text), STR("GET, HEAD, POST")));
}

Test(route, sends_equal_values_to_the_same_worker_and_other_requests_to_any)
{
    struct route_match message, list;
    struct msg_sms_inbound one = {.phone_number = STR("+15550100"), .message = STR("a")};
    struct msg_sms_inbound same = {.phone_number = STR("+15550100"), .message = STR("b")};
    struct msg_sms_inbound other = {.phone_number = STR("+15550101"), .message = STR("a")};

    route_find(STR("POST"), STR("/nexus/v3/sms/message"), &message);
    route_find(STR("GET"), STR("/chat/v3/conversations"), &list);

    cr_assert(eq(u64, route_partition(message.route, &one), route_partition(message.route, &same)));
    cr_assert(
        ne(u64, route_partition(message.route, &one), route_partition(message.route, &other)));
    cr_assert(eq(u64, route_partition(list.route, &(struct msg_conversation_list){0}), 0));
}

Test(route, gives_every_call_a_message_that_a_service_accepts)
{
    static const char *const paths[] = {
#define CALL(id, method, path, ...) #method " " path,
#define STREAM(...)
#define OWN(...)
#define LOCAL(...)
#include "gateway/routes.def"
    };

    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        struct str method, path;
        struct route_match match;
        str_cut(str_of(paths[i]), ' ', &method, &path);
        route_find(method, path, &match);
        cr_assert(ne(ptr, (void *)match.route, NULL), "%s", paths[i]);
        cr_assert(ne(ptr, (void *)message_type(match.route->message), NULL), "%s", paths[i]);
        cr_assert(gt(u32, match.route->deadline_ms, 0));
    }
}
