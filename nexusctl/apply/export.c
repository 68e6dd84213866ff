// export: writes the provisioned data as the file that apply reads.
//
// Short forms are used wherever they are complete: a section chat.<Name> is a number. Secrets and
// the values of keys are not in the file, because they cannot be read; apply does not change
// omitted values, so applying the exported file changes nothing.
#include "nexusctl/apply/export_file.h"
#include "nexusctl/commands.h"
#include "nexusctl/yaml/codec_yaml.h"
#include "provisioning/rules.h"

enum { TENANT };
static const struct option options[] = {
    [TENANT] = {"--tenant", NULL, "CCID", .rule = uuid_check,
                .doc = "Only this contact center, without cluster keys."},
};

static bool export(struct call *call, struct err *err)
{
    struct str tenant = option_text(call, TENANT), answer;
    const struct json_view *stored, *file;
    AUTO(buf) json = {0};

    if (!call_ask(call, STATEMENT_PROVISION_EXPORT, &tenant, 1, &answer, err) ||
        !answer_parse(answer, call->arena, &stored, err))
        return false;
    export_file_write(stored, &json);
    if (call->json) {
        buf_printf(&call->out, "%.*s\n", STR_ARG(buf_str(&json)));
        return true;
    }
    if (!answer_parse(buf_str(&json), call->arena, &file, err))
        return false;
    buf_str_append(
        &call->out,
        STR("# Written by nexusctl export, to be read by nexusctl apply. Secrets and the "
            "values of keys are not\n# in it: apply does not change what a file leaves "
            "out. In another database new keys are made,\n# and secrets have to be "
            "added to the file.\n"));
    yaml_write(file, &call->out);
    return true;
}

const struct command export_command = {
    .name = "export",
    .summary = "write the present state as a file for apply",
    .usage = "[--tenant CCID] [--json]",
    .manual =
        "Writes tenants, keys, services, numbers, domains, endpoints and cluster keys in YAML,\n"
        "as apply reads them; with --json in JSON. Applied to the same database it changes\n"
        "nothing. Secrets and the values of keys are never in it; apply does not change what a "
        "file\n"
        "leaves out. Revoked keys are left out.",
    .examples = "  nexusctl export >all.yaml\n"
                "  nexusctl export --tenant 578ec98e-0000-46ad-9675-000000000001 >tenant.yaml\n"
                "  nexusctl export | nexusctl apply -f - --dry-run",
    .options = options,
    .option_count = COUNT_OF(options),
    .run = export,
};
