#include "nexusctl/provision_file.h"

#include "rows.h"

#define CCID            "578ec98e-0000-46ad-9675-000000000001"
#define TENANT(members) "{\"tenants\":[{\"ccid\":\"" CCID "\",\"name\":\"premise\"," members "}]}"
#define CHANNEL(members)                                                                           \
    TENANT("\"channels\":[{\"address\":\"18445551212\",\"kind\":\"sms\",\"name\":\"a\"," members   \
           "}]")
#define WEBHOOK(members) CHANNEL("\"webhook\":{" members "}")
#define KEY(members)     TENANT("\"keys\":[{\"permissions\":[\"a:b:c\"]," members "}]")

static const struct fault_row {
    const char *text;
    const char *error;
} fault_rows[] = {
    {"[]", "document: an object is wanted"},
    {"{\"tenant\":[]}", "tenant: there is no such member here"},
    {"{\"tenants\":{}}", "tenants: a list is wanted"},
    {"{\"tenants\":[{\"name\":\"x\"}]}", "tenants[0].ccid: missing"},
    {"{\"tenants\":[{\"ccid\":1,\"name\":\"x\"}]}", "tenants[0].ccid: a text is wanted"},
    {TENANT("\"colour\":1"), "tenants[0].colour: there is no such member here"},
    {TENANT("\"keys\":[{\"name\":\"k\"}]"), "tenants[0].keys[0].permissions: missing"},
    {TENANT("\"keys\":[{\"name\":\"k\",\"permissions\":[\"a:b:c\",\"x\"]}]"),
     "tenants[0].keys[0].permissions[1]: 5 to 128 bytes are allowed"},
    {KEY("\"name\":\"k\",\"capacity\":-1"),
     "tenants[0].keys[0].capacity: a whole number from 0 to 1000000 is wanted"},
    {KEY("\"name\":\"k\",\"key\":\"not a uuid, although as long as one.\""),
     "tenants[0].keys[0].key: a UUID is wanted"},
    {TENANT("\"keys\":[{\"name\":\"k\",\"permissions\":[\"a:b:c\"]},"
            "{\"name\":\"k\",\"permissions\":[\"a:b:c\"]}]"),
     "tenants[0].keys[1].name: stands twice in the file"},
    {CHANNEL("\"endpoint\":\"x\""),
     "tenants[0].channels[0].webhook: is missing; the provider Async delivers to it"},
    {CHANNEL("\"cxcOnly\":\"true\""), "tenants[0].channels[0].cxcOnly: true or false is wanted"},
    {CHANNEL("\"uncertain\":\"ask\""),
     "tenants[0].channels[0].uncertain: resend or hold is wanted"},
    {WEBHOOK("\"url\":\"https://u:p@x.example/\",\"secret\":\"s\""),
     "tenants[0].channels[0].webhook.url: no user name or password in a URL; use a header"},
    {WEBHOOK("\"url\":\"https://x.example/\""), "tenants[0].channels[0].webhook.secret: missing"},
    {WEBHOOK("\"url\":\"https://x.example/\",\"secret\":[\"a\",\"b\",\"c\"]"),
     "tenants[0].channels[0].webhook.secret: a text or a list of one or two is wanted"},
    {WEBHOOK("\"url\":\"https://x.example/\",\"secret\":[\"a\",1]"),
     "tenants[0].channels[0].webhook.secret[1]: a text is wanted"},
    {WEBHOOK("\"url\":\"https://x.example/\",\"secret\":\"s\",\"headers\":{\"Host\":\"y\"}"),
     "tenants[0].channels[0].webhook.headers.Host: a header's name is a token and none of those "
     "Nexus sets; its value is a text without control characters"},
    {WEBHOOK("\"url\":\"https://x.example/\",\"secret\":\"s\",\"headers\":{\"a\":\"b\\r\\nc\"}"),
     "tenants[0].channels[0].webhook.headers.a: a header's name is a token and none of those Nexus "
     "sets; its value is a text without control characters"},
    {"{\"clusterKeys\":[{\"name\":\"c\",\"permissions\":[]}]}",
     "clusterKeys[0].permissions: 1 to 16 elements are allowed"},
};

ROWS_TEST(provision_file, names_the_path_of_what_is_wrong, fault_rows)
{
    struct arena *arena = arena_new();
    struct provision_file file = {0};
    struct err err = {0};

    bool good = provision_file_read(str_of(row->text), arena, &file, &err);

    cr_assert(not(good), "%s", row->text);
    cr_assert(eq(str, err.text, (char *)row->error));
    arena_free(&arena);
}

static const char whole[] =
    "{\"tenants\":[{\"ccid\":\"578EC98E-0000-46AD-9675-000000000001\",\"name\":\"premise\","
    "\"keys\":[{\"name\":\"designer\",\"permissions\":[\"nexus:designer:chat\"]}],"
    "\"channels\":[{\"address\":\"18445551212\",\"kind\":\"sms\",\"name\":\"chat.a\","
    "\"validity\":\"1h\",\"uncertain\":\"hold\",\"cxcOnly\":true,"
    "\"webhook\":{\"url\":\"https://x.example/\",\"secret\":[\"new\",\"old\"],"
    "\"headers\":{\"x-a\":\"1\"}},\"api\":{\"secret\":\"in\"}}]}]}";

Test(provision_file, gives_ccids_and_numbers_their_one_spelling)
{
    struct arena *arena = arena_new();
    struct provision_file file = {0};
    struct err err = {0};

    cr_assert(provision_file_read(str_of(whole), arena, &file, &err), "%s", err.text);

    cr_assert(str_equal(file.tenants[0].ccid, STR(CCID)));
    cr_assert(str_equal(file.tenants[0].channels[0].address, STR("+18445551212")));
    arena_free(&arena);
}

Test(provision_file, keeps_what_is_written_and_fills_in_what_is_not)
{
    struct arena *arena = arena_new();
    struct provision_file file = {0};
    struct err err = {0};

    cr_assert(provision_file_read(str_of(whole), arena, &file, &err), "%s", err.text);

    const struct file_key *key = &file.tenants[0].keys[0];
    const struct file_channel *channel = &file.tenants[0].channels[0];
    cr_assert(eq(i64, key->capacity, 120));
    cr_assert(eq(i64, key->frequency, 60));
    cr_assert(not(str_present(key->key)));
    cr_assert(eq(i64, channel->validity_ms, 3600000));
    cr_assert(eq(int, channel->uncertain_policy, 2));
    cr_assert(channel->campaign_only);
    cr_assert(eq(sz, channel->webhook.secrets.count, 2));
    cr_assert(str_equal(channel->webhook.secrets.texts[1], STR("old")));
    cr_assert(str_equal(channel->webhook.headers, STR("{\"x-a\":\"1\"}")));
    cr_assert(str_equal(channel->provider, STR("Async")));
    arena_free(&arena);
}
