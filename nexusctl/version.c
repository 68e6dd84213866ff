// version: which build this is, and which schema it brings.
#include "nexusctl/commands.h"
#include "nexusctl/sql_files.h"

static bool version(struct call *call, struct err *err)
{
    (void)err;
    if (!call->json) {
        buf_printf(&call->out, "nexusctl %s (%s), schema %zu\n", NEXUS_VERSION, NEXUS_REVISION,
                   sql_migrations_count);
        return true;
    }
    json_open(&call->out, '{');
    json_key_str(&call->out, "version", STR(NEXUS_VERSION));
    json_key_str(&call->out, "revision", STR(NEXUS_REVISION));
    json_key_int(&call->out, "schema", (int64_t)sql_migrations_count);
    json_close(&call->out, '}');
    buf_byte(&call->out, '\n');
    return true;
}

const struct command version_command = {
    .name = "version",
    .summary = "say which build this is",
    .usage = "[--json]",
    .manual =
        "Prints the version and the revision of the source this binary was built from, which are\n"
        "version and changeset in /health/detail of a gateway of the same build, and the schema\n"
        "version that migrate brings a database to.",
    .examples = "  nexusctl version --json",
    .run = version,
    .offline = true,
};
