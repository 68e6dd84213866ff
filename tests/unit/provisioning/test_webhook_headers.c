// Which static headers a tenant may add to its webhooks.
#include "provisioning/webhook_headers.h"

#include "base/buf.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

Test(webhook_headers, accepts_ordinary_headers)
{
    cr_assert(webhook_header_is_allowed(STR("custom-header-for-async-1"), STR("12345")));
    cr_assert(webhook_header_is_allowed(STR("X-Api_Key~"), STR("a b\tc é")));
    cr_assert(webhook_header_is_allowed(STR("X-Empty"), STR("")));
}

Test(webhook_headers, refuses_values_that_could_split_a_header)
{
    cr_expect(not(webhook_header_is_allowed(STR("X-A"), STR("1\r\nHost: evil"))));
    cr_expect(not(webhook_header_is_allowed(STR("X-A"), STR("1\n2"))));
    cr_expect(not(webhook_header_is_allowed(STR("X-A"), STR("1\0002"))));
    cr_expect(not(webhook_header_is_allowed(STR("X-A: 1\r\nX-B"), STR("2"))));
    cr_expect(not(webhook_header_is_allowed(STR("X A"), STR("2"))));
    cr_expect(not(webhook_header_is_allowed(STR("X\0A"), STR("2"))));
    cr_expect(not(webhook_header_is_allowed(STR(""), STR("2"))));
}

Test(webhook_headers, refuses_the_names_that_nexus_uses_in_any_spelling)
{
    static const char *const names[] = {"Host",          "content-length",    "Transfer-Encoding",
                                        "Connection",    "X-Hub-Signature",   "x-hub-signature-256",
                                        "WEBHOOK-ID",    "webhook-signature", "Content-Type",
                                        "Authorization", "traceparent",       "X-B3-TraceId",
                                        "X-B3-SpanId",   "x-b3-sampled",      "Expect",
                                        "Upgrade"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        cr_expect(not(webhook_header_is_allowed(str_of(names[i]), STR("x"))), "%s", names[i]);
}

Test(webhook_headers, reads_an_object_and_counts_what_it_leaves_out)
{
    struct arena *arena = arena_new();
    struct http_client_header headers[WEBHOOK_HEADERS_LIMIT];
    size_t count;
    size_t refused;
    struct err err;

    cr_assert(
        webhook_headers_read(STR("{\"X-One\":\"1\",\"Host\":\"x\",\"X-Two\":\"2\",\"X-Three\":3}"),
                             arena, headers, &count, &refused, &err));

    cr_assert(eq(sz, count, 2));
    cr_assert(eq(sz, refused, 2));
    cr_assert(str_equal(headers[1].name, STR("X-Two")));
    cr_assert(str_equal(headers[1].value, STR("2")));
    arena_free(&arena);
}

Test(webhook_headers, accepts_no_more_than_the_limit)
{
    struct arena *arena = arena_new();
    struct http_client_header headers[WEBHOOK_HEADERS_LIMIT];
    AUTO(buf) json = {0};
    size_t count;
    size_t refused;
    struct err err;
    json_open(&json, '{');
    for (int i = 0; i < 20; i++) {
        char name[16];
        snprintf(name, sizeof name, "X-%d", i);
        json_key_str(&json, name, STR("v"));
    }
    json_close(&json, '}');

    cr_assert(webhook_headers_read(buf_str(&json), arena, headers, &count, &refused, &err));

    cr_assert(eq(sz, count, WEBHOOK_HEADERS_LIMIT));
    cr_assert(eq(sz, refused, 4));
    arena_free(&arena);
}
