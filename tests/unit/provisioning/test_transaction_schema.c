#include "provisioning/transaction_schema.h"

#include "rows.h"

static struct arena *arena;
static struct err err;

static void set_up(void)
{
    arena = arena_new();
}

static void tear_down(void)
{
    arena_free(&arena);
}

TestSuite(transaction_schema, .init = set_up, .fini = tear_down);

static bool seal(void *context, struct str owner, struct str use, struct str plain,
                 struct buf *sealed, struct err *fault)
{
    (void)context, (void)fault;
    buf_printf(sealed, "<%.*s|%.*s|%.*s>", STR_ARG(owner), STR_ARG(use), STR_ARG(plain));
    return true;
}

static bool read_section(const char *transaction, const char *section, const char *text,
                         const char *path, struct section_document *read)
{
    static const struct sealer sealer = {.seal = seal};
    const struct json_view *view;

    cr_assert(json_parse(str_of(text), arena, &view, &err), "%s", err.text);
    return section_document_read(str_of(transaction), str_of(section), view, str_of(path), &sealer,
                                 arena, read, &err);
}

Test(transaction_schema, gives_numbers_and_domains_one_spelling)
{
    struct section_document read;

    cr_assert(read_section("NexusServices", "chat.A",
                           "{\"channelId\":\"18445551212\",\"channelType\":\"sms\"}", "", &read));
    cr_assert(
        str_equal(read.options, STR("{\"channelId\":\"+18445551212\",\"channelType\":\"sms\"}")));

    cr_assert(read_section("NexusServices", "cxc.A",
                           "{\"channelId\":\"Mail.Example\",\"channelType\":\"email\"}", "",
                           &read));
    cr_assert(
        str_equal(read.options, STR("{\"channelId\":\"mail.example\",\"channelType\":\"email\"}")));
}

Test(transaction_schema, keeps_secrets_apart_and_sealed)
{
    struct section_document read;

    cr_assert(read_section("DesignerEnv", "options",
                           "{\"url\":\"/nexus/v3\",\"password\":\"hush\"}", "", &read));

    cr_assert(str_equal(read.options, STR("{\"url\":\"/nexus/v3\"}")));
    cr_assert(str_equal(read.secret, STR("{\"password\":\"<options|password|hush>\"}")));
}

static const struct name_row {
    const char *transaction, *section;
    bool good;
} name_rows[] = {
    {"NexusServices", "chat.Support_2-b", true},
    {"NexusServices", "cxc.Mail", true},
    {"NexusServices", "Async", true},
    {"NexusServices", "chat.", false},
    {"NexusServices", "chat.two words", false},
    {"NexusServices", "Asynchronous", false},
    {"NexusEndpoints", "chat.any", true},
    {"NexusEndpoints", "", false},
    {"DesignerEnv", "options", true},
    {"DesignerEnv", "optionsx", false},
    {"Nexus", "options", false},
};

ROWS_TEST(transaction_schema, knows_sections_by_their_names, name_rows)
{
    enum section_kind kind;

    cr_assert(eq(int, section_kind_named(str_of(row->transaction), str_of(row->section), &kind),
                 row->good));
}

static const struct fault_row {
    const char *section, *text, *path, *fault;
} fault_rows[] = {
    {"chat.A", "{}", "", "channelId: missing"},
    {"chat.A", "{}", "tenants[0].chat.A", "tenants[0].chat.A.channelId: missing"},
    {"chat.A", "[]", "chat.A", "chat.A: must be an object"},
    {"chat.A", "{\"channelId\":7}", "", "channelId: must be a text"},
    {"chat.A", "{\"color\":\"red\"}", "", "color: unknown"},
    {"chat A", "{}", "", "chat A: unknown section"},
    {"Async", "{\"header:\":\"x\"}", "", "header:: unknown"},
};

ROWS_TEST(transaction_schema, names_the_path_and_the_rule_in_a_refusal, fault_rows)
{
    struct section_document read;

    cr_assert(not(read_section("NexusServices", row->section, row->text, row->path, &read)));

    cr_assert(eq(str, err.text, (char *)row->fault));
}

static const struct header_row {
    const char *name, *value;
    bool good;
} header_rows[] = {
    {"header:x-account", "12345", true},  {"header:X-Hub-Signature", "x", false},
    {"header:content-type", "x", false},  {"header:a b", "x", false},
    {"header:x-account", "a\\nb", false},
};

ROWS_TEST(transaction_schema, a_header_is_one_that_webhooks_may_carry, header_rows)
{
    struct section_document read;
    struct str text = arena_printf(arena, "{\"%s\":\"%s\"}", row->name, row->value);

    cr_assert(eq(int, read_section("NexusServices", "Async", text.ptr, "", &read), row->good));
}
