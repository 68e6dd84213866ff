// version: the release and build of this program, and its schema version.
#include "base/revision.h"
#include "nexusctl/commands.h"
#include "nexusctl/schema/sql_files.h"

static bool version(struct call *call, struct err *err)
{
    (void)err;
    if (!call->json) {
        buf_printf(&call->out, "nexusctl %s (%s), schema %zu\n", NEXUS_VERSION, revision,
                   sql_migrations_count);
        return true;
    }
    json_open(&call->out, '{');
    json_key_str(&call->out, "version", STR(NEXUS_VERSION));
    json_key_str(&call->out, "revision", str_of(revision));
    json_key_int(&call->out, "schema", (int64_t)sql_migrations_count);
    json_close(&call->out, '}');
    buf_byte(&call->out, '\n');
    return true;
}

const struct command version_command = {
    .name = "version",
    .summary = "show version and build",
    .usage = "[--json]",
    .manual =
        "Prints the version and the revision of the source this binary was built from, which are\n"
        "version and changeset in /health/detail of a gateway of the same build, and the schema\n"
        "version that migrate brings a database to.",
    .examples = "  nexusctl version --json",
    .run = version,
    .offline = true,
};
