#include "nexusctl/apply/provision_file.h"

#include "rows.h"

#define CCID             "578ec98e-0000-46ad-9675-000000000001"
#define TENANT(members)  "{tenants: [{ccid: " CCID ", name: premise, " members "}]}"
#define NUMBER(members)  TENANT("numbers: [{address: 18445551212, name: a, " members "}]")
#define WEBHOOK(members) NUMBER("webhook: {" members "}")
#define KEY(members)     TENANT("keys: [{permissions: ['nexus:agent:chat'], " members "}]")

static const struct fault_row {
    const char *text;
    const char *error;
} fault_rows[] = {
    {"[]", "document: must be an object"},
    {"tenants: [{ccid: '${ccid}'}]",
     "tenants[0].ccid: must be a UUID; \"${ccid}\" is an unfilled placeholder"},
    {"tenant: []", "tenant: unknown member"},
    {"tenants: {}", "tenants: must be a list"},
    {"tenants: [{name: x}]", "tenants[0].ccid: missing"},
    {"tenants: [{ccid: 1, name: x}]", "tenants[0].ccid: must be a UUID"},
    {"tenants:\n  - ccid: [\n", "YAML: did not find expected node content at line 3, column 1"},
    {TENANT("colour: 1"), "tenants[0].colour: unknown member"},
    {TENANT("keys: [{name: k}]"), "tenants[0].keys[0].permissions: missing"},
    {TENANT("keys: [{name: k, permissions: ['nexus:agent:chat', x]}]"),
     "tenants[0].keys[0].permissions[1]: must be nexus:consumer:chat, nexus:consumer:securemail, "
     "nexus:designer:chat, nexus:agent:chat, nexus:gateway:sms, nexus:campaign:* or "
     "nexus:cluster:*"},
    {KEY("name: k, capacity: -1"),
     "tenants[0].keys[0].capacity: must be a whole number from 0 to 1000000"},
    {KEY("name: k, key: 'not a uuid, although as long as one.'"),
     "tenants[0].keys[0].key: must be a UUID"},
    {KEY("name: k, expires: soon"),
     "tenants[0].keys[0].expires: must be a time such as 2027-01-31 or 2027-01-31T12:00:00Z"},
    {TENANT("keys: [{name: k, permissions: ['nexus:agent:chat']},"
            "{name: k, permissions: ['nexus:agent:chat']}]"),
     "tenants[0].keys[1].name: is given twice in the file"},
    {TENANT("services: {Sms: {}}"), "tenants[0].services.Sms: unknown service"},
    {TENANT("services: {Email: {url: N/A}}"), "tenants[0].services.Email.data.provider: missing"},
    {TENANT("numbers: [{name: a}]"), "tenants[0].numbers[0].address: missing"},
    {TENANT("numbers: [{address: x, name: a}]"),
     "tenants[0].numbers[0].address: not a phone number (+ and 3 to 15 digits)"},
    {TENANT("numbers: [{address: 18445551212}]"), "tenants[0].numbers[0].name: missing"},
    {TENANT("numbers: [{address: 18445551212, name: a b}]"),
     "tenants[0].numbers[0].name: must consist of letters, digits, _, - and ."},
    {TENANT("numbers: [{address: 18445551212, name: a}, {address: +18445551212, name: b}]"),
     "tenants[0].numbers[1].address: is given twice in the file"},
    {TENANT("domains: [{address: localhost, name: a}]"),
     "tenants[0].domains[0].address: must be a mail domain"},
    {NUMBER("colour: red"), "tenants[0].numbers[0].colour: unknown"},
    {NUMBER("cxcOnly: maybe"), "tenants[0].numbers[0].cxcOnly: must be true or false"},
    {NUMBER("uncertain: ask"), "tenants[0].numbers[0].uncertain: must be resend or hold"},
    {NUMBER("channelId: '1'"),
     "tenants[0].numbers[0].channelId: this member is called address here"},
    {NUMBER("api: {secret: s}"),
     "tenants[0].numbers[0].webhook: missing; it is needed if api is given"},
    {WEBHOOK("url: 'https://u:p@x.example/', secret: s"),
     "tenants[0].numbers[0].webhook.url: no user name or password in a URL; use a header"},
    {WEBHOOK("url: 'https://x.example/', secret: [a, b, c]"),
     "tenants[0].numbers[0].webhook.secret: must be a text or a list of one or two"},
    {WEBHOOK("url: 'https://x.example/', secret: [a, {}]"),
     "tenants[0].numbers[0].webhook.secret[1]: must be a text"},
    {NUMBER("webhook: {url: 'https://x.example/'}, api: {secret: s}"),
     "tenants[0].numbers[0].webhook.secret: missing; it is needed if api has one"},
    {TENANT("services: {Async: {data: {channels: []}}},"
            "numbers: [{address: 18445551212, name: a, webhook: {url: 'http://x.example/'}}]"),
     "tenants[0].services.Async: numbers of this file have webhooks of their own: give all "
     "webhooks there, or all of them here"},
    {TENANT("headers: {Host: y}"), "tenants[0].headers.header:Host: not a header that a webhook "
                                   "may carry: its name is a token and "
                                   "none of ours, its value has no control characters"},
    {TENANT("endpoints: {sales: {colour: red}}"), "tenants[0].endpoints.sales.colour: unknown"},
    {TENANT("designer: {colour: red}"), "tenants[0].designer.colour: unknown"},
    {"clusterKeys: [{name: c, permissions: []}]",
     "clusterKeys[0].permissions: 1 to 16 elements are allowed"},
};

ROWS_TEST(provision_file, names_the_path_of_a_wrong_value, fault_rows)
{
    struct arena *arena = arena_new();
    struct provision_file file = {0};
    struct err err = {0};

    bool good = provision_file_read(str_of(row->text), false, arena, &file, &err);

    cr_assert(not(good), "%s", row->text);
    cr_assert(eq(str, err.text, (char *)row->error));
    arena_free(&arena);
}

static const struct fault_row https_rows[] = {
    {WEBHOOK("url: 'http://x.example/', secret: s"),
     "tenants[0].numbers[0].webhook.url: must be a URL with https:// "
     "(NEXUS_WEBHOOK_HTTPS_ONLY is set)"},
    {TENANT("services: {Async: {data: {channels: [{channelId: 18445551212,"
            "webhook: {url: 'http://x.example/'}}]}}}"),
     "tenants[0].services.Async.data.channels[0].webhook.url: must be a URL with https:// "
     "(NEXUS_WEBHOOK_HTTPS_ONLY is set)"},
};

ROWS_TEST(provision_file, refuses_http_for_webhooks_where_the_operator_says_so, https_rows)
{
    struct arena *arena = arena_new();
    struct provision_file file = {0};
    struct err err = {0};

    cr_assert(provision_file_read(str_of(row->text), false, arena, &file, &err), "%s", err.text);
    cr_assert(not(provision_file_read(str_of(row->text), true, arena, &file, &err)));
    cr_assert(eq(str, err.text, (char *)row->error));
    arena_free(&arena);
}

static const char whole[] = "tenants:\n"
                            "  - ccid: 578EC98E-0000-46AD-9675-000000000001\n"
                            "    name: 4711\n"
                            "    keys:\n"
                            "      - {name: designer, permissions: ['nexus:designer:chat']}\n"
                            "      - {name: agent, permissions: ['nexus:agent:chat'],\n"
                            "         enabled: false, capacity: 0, expires: false}\n"
                            "    services:\n"
                            "      SMS: {url: N/A, data: {provider: Async}}\n"
                            "    numbers:\n"
                            "      - address: 18445551212\n"
                            "        name: a\n"
                            "        cxcOnly: true\n"
                            "        webhook: {url: 'https://x.example/', secret: [new, 17]}\n"
                            "        api: {secret: in}\n"
                            "    domains:\n"
                            "      - {address: mail.example.com, name: b, provider: Async}\n"
                            "    headers: {x-a: 1}\n"
                            "    endpoints:\n"
                            "      sales: {capacity: 3, lastAgent: true}\n";

static struct arena *arena;

static const struct file_tenant *read_whole(void)
{
    struct provision_file file = {0};
    struct err err = {0};

    arena = arena_new();
    cr_assert(provision_file_read(STR(whole), true, arena, &file, &err), "%s", err.text);
    return &file.tenants[0];
}

static void assert_section(const struct file_section *section, const char *name,
                           const char *options)
{
    cr_assert(str_equal(section->section, str_of(name)), "%s", name);
    cr_assert(eq(str, (char *)json_compact(section->options, arena).ptr, (char *)options));
}

Test(provision_file, gives_ccids_one_spelling_and_reads_a_number_as_a_text)
{
    const struct file_tenant *tenant = read_whole();

    cr_assert(str_equal(tenant->ccid, STR(CCID)));
    cr_assert(str_equal(tenant->name, STR("4711")));
    arena_free(&arena);
}

Test(provision_file, knows_which_members_of_a_key_are_given)
{
    const struct file_tenant *tenant = read_whole();
    const struct file_key *bare = &tenant->keys[0], *full = &tenant->keys[1];

    cr_assert(not(str_present(bare->key)));
    cr_assert(eq(i64, bare->capacity, NOT_GIVEN));
    cr_assert(eq(int, bare->enabled, NOT_GIVEN));
    cr_assert(not(bare->expires_given));
    cr_assert(eq(i64, full->capacity, 0));
    cr_assert(eq(int, full->enabled, false));
    cr_assert(full->expires_given && !str_present(full->expires));
    arena_free(&arena);
}

Test(provision_file, makes_sections_from_numbers_domains_headers_and_endpoints)
{
    const struct file_tenant *tenant = read_whole();

    cr_assert(eq(sz, tenant->section_count, 4));
    assert_section(&tenant->sections[0], "chat.a",
                   "{\"channelId\":\"+18445551212\",\"channelType\":\"sms\",\"provider\":\"Async\","
                   "\"cxcOnly\":\"true\"}");
    assert_section(&tenant->sections[1], "cxc.b",
                   "{\"channelId\":\"mail.example.com\",\"channelType\":\"email\","
                   "\"provider\":\"Async\"}");
    assert_section(&tenant->sections[2], "Async", "{\"header:x-a\":\"1\"}");
    assert_section(&tenant->sections[3], "sales", "{\"capacity\":\"3\",\"lastAgent\":\"true\"}");
    arena_free(&arena);
}

Test(provision_file, makes_the_service_async_from_the_webhooks_of_numbers)
{
    const struct file_tenant *tenant = read_whole();

    cr_assert(eq(sz, tenant->service_count, 2));
    cr_assert(not(tenant->services[0].partial));
    cr_assert(tenant->services[1].partial);
    cr_assert(eq(str, (char *)json_compact(tenant->services[1].document, arena).ptr,
                 "{\"data\":{\"channels\":[{\"channelId\":\"+18445551212\","
                 "\"webhook\":{\"url\":\"https://x.example/\"}}]},"
                 "\"secret\":{\"channels\":[{\"channelId\":\"+18445551212\","
                 "\"webhook\":{\"secret\":[\"new\",\"17\"]},\"api\":{\"secret\":\"in\"}}]}}"));
    arena_free(&arena);
}
