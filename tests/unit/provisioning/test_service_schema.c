#include "provisioning/service_schema.h"

#include "rows.h"

static struct arena *arena;
static struct err err;
static bool https_only;

static void set_up(void)
{
    arena = arena_new();
    https_only = false;
}

static void tear_down(void)
{
    arena_free(&arena);
}

TestSuite(service_schema, .init = set_up, .fini = tear_down);

// "sealed" shows the arguments of the call.
static bool seal(void *context, struct str owner, struct str use, struct str plain,
                 struct buf *sealed, struct err *fault)
{
    (void)context, (void)fault;
    buf_printf(sealed, "<%.*s|%.*s|%.*s>", STR_ARG(owner), STR_ARG(use), STR_ARG(plain));
    return true;
}

static const struct sealer sealer = {.seal = seal};

static bool read_service(const char *name, const char *text, struct service_document *read)
{
    const struct json_view *view;
    enum service_kind kind;

    cr_assert(service_kind_named(str_of(name), &kind));
    cr_assert(json_parse(str_of(text), arena, &view, &err), "%s", err.text);
    return service_document_read(kind, view, STR(""), https_only, &sealer, arena, read, &err);
}

#define CHANNEL(address)                                                                           \
    "{\"channelId\":\"" address "\",\"webhook\":{\"url\":\"https://a.example/x\"}}"

Test(service_schema, refuses_http_only_for_webhooks_and_only_if_configured)
{
    static const char http[] =
        "{\"data\":{\"channels\":[{\"channelId\":\"18445551212\",\"webhook\":"
        "{\"url\":\"http://a.example/x\"}}]}}";
    struct service_document read;

    cr_assert(read_service("Async", http, &read), "%s", err.text);
    https_only = true;
    cr_assert(not(read_service("Async", http, &read)));
    cr_assert(eq(str, err.text,
                 "data.channels[0].webhook.url: must be a URL with https:// "
                 "(NEXUS_WEBHOOK_HTTPS_ONLY is set)"));
    cr_assert(
        read_service("Async", "{\"data\":{\"channels\":[" CHANNEL("18445551212") "]}}", &read));
    cr_assert(read_service("PlatformUCS", "{\"url\":\"http://ucs.example\"}", &read));
}

Test(service_schema, seals_each_secret_for_its_channel_and_use)
{
    struct service_document read;

    cr_assert(
        read_service("Async",
                     "{\"data\":{\"channels\":[" CHANNEL(
                         "18445551212") "]},"
                                        "\"secret\":{\"channels\":[{\"channelId\":\"+18445551212\","
                                        "\"webhook\":{\"secret\":[\"new\",\"old\"]},\"api\":{"
                                        "\"secret\":\"k\"}}]}}",
                     &read),
        "%s", err.text);

    cr_assert(str_equal(read.data, STR("{\"channels\":[" CHANNEL("+18445551212") "]}")), "%.*s",
              STR_ARG(read.data));
    cr_assert(
        str_equal(read.secret,
                  STR("{\"channels\":[{\"channelId\":\"+18445551212\",\"webhook\":{\"secret\":["
                      "\"<+18445551212|webhook|new>\",\"<+18445551212|webhook|old>\"]},"
                      "\"api\":{\"secret\":\"<+18445551212|api|k>\"}}]}")),
        "%.*s", STR_ARG(read.secret));
}

Test(service_schema, seals_other_secrets_under_service_and_name)
{
    struct service_document read;

    cr_assert(read_service("PurecloudIDP",
                           "{\"url\":\"HTTPS://Login.Example/P\",\"secret\":{\"clientId\":\"i\","
                           "\"clientSecret\":\"s\"}}",
                           &read));

    cr_assert(str_equal(read.url, STR("https://login.example/P")));
    cr_assert(str_equal(read.secret, STR("{\"clientId\":\"<PurecloudIDP|clientId|i>\","
                                         "\"clientSecret\":\"<PurecloudIDP|clientSecret|s>\"}")));
    cr_assert(not(str_present(read.missing)));
}

Test(service_schema, reports_a_missing_secret)
{
    struct service_document read;

    cr_assert(
        read_service("PurecloudIDP", "{\"url\":\"https://login.example\",\"secret\":{}}", &read));

    cr_assert(not(str_present(read.secret)));
    cr_assert(str_equal(read.missing, STR("secret.clientId: missing")));
}

static const struct url_row {
    const char *text;
} url_rows[] = {
    {"{\"data\":{\"provider\":\"Async\"}}"},
    {"{\"url\":null,\"data\":{\"provider\":\"Async\"}}"},
    {"{\"url\":\"N/A\",\"data\":{\"provider\":\"Async\"},\"secret\":{},\"operationId\":\"x\"}"},
};

ROWS_TEST(service_schema, accepts_a_service_without_a_url, url_rows)
{
    struct service_document read;

    cr_assert(read_service("SMS", row->text, &read), "%s", err.text);

    cr_assert(not(str_present(read.url)));
    cr_assert(str_equal(read.data, STR("{\"provider\":\"Async\"}")));
}

static const struct fault_row {
    const char *name, *text, *fault;
} fault_rows[] = {
    {"PlatformUCS", "[]", "document: must be an object"},
    {"PlatformUCS", "{\"url\":\"http://a\",\"date\":{}}", "date: unknown member"},
    {"PlatformUCS", "{\"url\":\"http://a\",\"secret\":{\"x\":1}}", "secret.x: unknown"},
    {"PlatformUCS", "{\"url\":\"http://a#b\"}", "url: a webhook's URL has no fragment"},
    {"Async", "{\"data\":{\"channels\":[7]}}", "data.channels[0]: must be an object"},
    {"Async", "{\"data\":{\"channels\":[" CHANNEL("1555") "," CHANNEL("1555") "]}}",
     "data.channels[1].channelId: is given twice in the list"},
    {"Async",
     "{\"data\":{\"channels\":[]},\"secret\":{\"channels\":[{\"channelId\":\"1555\",\"webhook\":{}}"
     "]}}",
     "secret.channels[0].webhook.secret: missing"},
    {"SMTP", "{\"url\":\"smtp://host/path\"}",
     "url: must be smtp://host:port or smtps://host:port"},
};

ROWS_TEST(service_schema, names_the_path_and_the_rule_in_a_refusal, fault_rows)
{
    struct service_document read;

    cr_assert(not(read_service(row->name, row->text, &read)), "%s: %s", row->name, row->text);

    cr_assert(eq(str, err.text, (char *)row->fault));
}

// A row whose parent has no row would never be reached.
Test(service_schema, every_part_is_in_another_part_or_at_the_top)
{
    size_t count;
    const struct document_part *parts = service_parts(&count);

    for (size_t i = 0; i < count; i++) {
        const char *dot = strrchr(parts[i].path, '.');
        if (!dot)
            continue;
        size_t length = (size_t)(dot - parts[i].path);
        length -= parts[i].path[length - 1] == ']' ? 2 : 0;
        struct str parent = str_make(parts[i].path, length);
        bool found = str_equal(parent, STR("data")) || str_equal(parent, STR("secret"));
        for (size_t k = 0; k < count; k++)
            found |=
                parts[k].service == parts[i].service && str_equal(str_of(parts[k].path), parent);
        cr_assert(found, "%s", parts[i].path);
    }
}
