// What the Async provider sends, and how it reads the answer.
#include "sms-worker/providers/provider_async.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

struct fixture {
    struct provider_request request;
    struct webhook webhook;
    struct outgoing message;
};

static void fixture_open(struct fixture *fixture)
{
    *fixture = (struct fixture){
        .request = {.arena = arena_new()},
        .webhook = {.url = STR("http://x/"), .secrets = {STR("Secret")}, .secret_count = 1},
        .message = {.from = STR("+18445551212"),
                    .to = STR("+16504661149"),
                    .text = STR("hi \"you\"")},
    };
    cr_assert(id_parse(STR("0190a5e0-0000-7000-8000-000000000001"), &fixture->message.id));
}

static void fixture_close(struct fixture *fixture)
{
    arena_free(&fixture->request.arena);
    buf_release(&fixture->request.body);
}

static void build(struct fixture *fixture)
{
    provider_async.build(&fixture->message, &fixture->webhook, 1700000000, &fixture->request);
}

static struct str header(const struct fixture *fixture, struct str name)
{
    for (size_t i = 0; i < fixture->request.header_count; i++)
        if (str_equal_ignoring_case(fixture->request.headers[i].name, name))
            return fixture->request.headers[i].value;
    return STR_ABSENT;
}

Test(provider_async, sends_one_message_as_in_the_guide)
{
    struct fixture fixture;
    fixture_open(&fixture);

    build(&fixture);

    cr_assert(str_equal(buf_str(&fixture.request.body),
                        STR("{\"messages\":[{\"id\":\"0190a5e0-0000-7000-8000-000000000001\","
                            "\"type\":\"sms\",\"from\":\"+18445551212\",\"to\":\"+16504661149\","
                            "\"text\":\"hi \\\"you\\\"\"}]}")));
    cr_assert(str_equal(header(&fixture, STR("Content-Type")), STR("application/json")));
    fixture_close(&fixture);
}

Test(provider_async, sends_the_place_of_the_message_in_its_conversation)
{
    struct fixture fixture;
    fixture_open(&fixture);
    cr_assert(id_parse(STR("0190a5e0-0000-7000-8000-000000000002"), &fixture.message.conversation));
    fixture.message.sequence = 7;

    build(&fixture);

    const char *body = buf_c_string(&fixture.request.body);
    cr_assert(ne(ptr,
                 strstr(body, "\"conversationId\":\"0190a5e0-0000-7000-8000-000000000002\","
                              "\"sequence\":7,\"text\""),
                 NULL));
    fixture_close(&fixture);
}

Test(provider_async, passes_rich_content_through)
{
    struct fixture fixture;
    fixture_open(&fixture);
    fixture.message.content = STR("{\"a\":[1]}");

    build(&fixture);

    const char *body = buf_c_string(&fixture.request.body);
    cr_assert(ne(ptr, strstr(body, ",\"content\":{\"a\":[1]}}]}"), NULL));
    fixture_close(&fixture);
}

Test(provider_async, signs_in_all_three_ways)
{
    struct fixture fixture;
    fixture_open(&fixture);

    build(&fixture);

    cr_assert(str_starts(header(&fixture, STR("X-Hub-Signature")), STR("sha1=")));
    cr_assert(str_starts(header(&fixture, STR("X-Hub-Signature-256")), STR("sha256=")));
    cr_assert(str_starts(header(&fixture, STR("webhook-signature")), STR("v1,")));
    cr_assert(str_equal(header(&fixture, STR("webhook-id")),
                        STR("0190a5e0-0000-7000-8000-000000000001")));
    cr_assert(str_equal(header(&fixture, STR("webhook-timestamp")), STR("1700000000")));
    fixture_close(&fixture);
}

Test(provider_async, sends_trace_and_span_in_both_styles)
{
    struct fixture fixture;
    fixture_open(&fixture);
    fixture.message.trace =
        (struct trace){0x4bf92f3577b34da6, 0xa3ce929d0e0e4736, 0xf067aa0ba902b7, 1};

    build(&fixture);

    cr_assert(str_equal(header(&fixture, STR("traceparent")),
                        STR("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")));
    cr_assert(
        str_equal(header(&fixture, STR("X-B3-TraceId")), STR("4bf92f3577b34da6a3ce929d0e0e4736")));
    cr_assert(str_equal(header(&fixture, STR("X-B3-SpanId")), STR("00f067aa0ba902b7")));
    cr_assert(str_equal(header(&fixture, STR("X-B3-Sampled")), STR("1")));
    fixture_close(&fixture);
}

Test(provider_async, adds_the_static_headers)
{
    struct fixture fixture;
    fixture_open(&fixture);
    fixture.webhook.headers[0] =
        (struct http_client_header){STR("custom-header-for-async-1"), STR("12345")};
    fixture.webhook.header_count = 1;

    build(&fixture);

    cr_assert(str_equal(header(&fixture, STR("custom-header-for-async-1")), STR("12345")));
    fixture_close(&fixture);
}

static struct provider_verdict judge(int status, struct str body, struct arena *arena)
{
    struct http_client_answer answer = {
        .outcome = HTTP_CLIENT_ANSWERED, .status = status, .body = body, .retry_after_s = -1};
    struct outgoing message = {0};
    cr_assert(id_parse(STR("0190a5e0-0000-7000-8000-000000000001"), &message.id));
    return provider_async.judge(&message, &answer, arena);
}

Test(provider_async, finds_the_providers_id_in_the_answer)
{
    struct arena *arena = arena_new();

    struct provider_verdict verdict = judge(200, STR("{\"messageId\":\"3p-7741\"}"), arena);

    cr_assert(eq(int, (int)verdict.class, RETRY_CLASS_OK));
    cr_assert(str_equal(verdict.provider_id, STR("3p-7741")));
    arena_free(&arena);
}

Test(provider_async, reads_an_answer_without_an_id_as_success)
{
    static const char *const bodies[] = {"",
                                         "ok",
                                         "{}",
                                         "[]",
                                         "7",
                                         "{\"messageId\":7.5}",
                                         "{\"messageId\":\"\"}",
                                         "{\"messageId\":"};
    struct arena *arena = arena_new();
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        struct provider_verdict verdict = judge(202, str_of(bodies[i]), arena);
        cr_expect(eq(int, (int)verdict.class, RETRY_CLASS_OK), "%s", bodies[i]);
        cr_expect(not(str_present(verdict.provider_id)), "%s", bodies[i]);
    }
    arena_free(&arena);
}

Test(provider_async, takes_no_id_from_a_failure)
{
    struct arena *arena = arena_new();

    struct provider_verdict verdict = judge(500, STR("{\"messageId\":\"x\"}"), arena);

    cr_assert(eq(int, (int)verdict.class, RETRY_CLASS_RETRY));
    cr_assert(not(str_present(verdict.provider_id)));
    arena_free(&arena);
}

Test(provider_async, reads_a_conflict_that_names_the_message_as_success)
{
    struct arena *arena = arena_new();

    struct provider_verdict known = judge(
        409, STR("{\"error\":\"seen\",\"id\":\"0190A5E0-0000-7000-8000-000000000001\"}"), arena);
    struct provider_verdict other =
        judge(409, STR("{\"id\":\"0190a5e0-0000-7000-8000-000000000002\"}"), arena);

    cr_assert(eq(int, known.class, RETRY_CLASS_OK));
    cr_assert(not(known.conflict));
    cr_assert(other.conflict);
    cr_assert(not(judge(400, STR("{}"), arena).conflict));
    arena_free(&arena);
}
