// export: what the database says, as the file that apply takes.
//
// The short forms are written wherever they say it all: a section chat.<Name> is a number. Secrets
// and the values of keys are not in it, for they cannot be had; apply leaves what is not given as it
// is, so the file as it comes changes nothing.
#include "nexusctl/commands.h"
#include "nexusctl/export_file.h"
#include "store/rules.h"
#include "wire/codec_yaml.h"

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
            "values of keys are not\n# in it: apply leaves what a file does not give as "
            "it is. In another database keys are made anew,\n# and secrets have to be "
            "written in.\n"));
    yaml_write(file, &call->out);
    return true;
}

const struct command export_command = {
    .name = "export",
    .summary = "write what there is as a file for apply",
    .usage = "[--tenant CCID] [--json]",
    .manual =
        "Writes tenants, keys, services, numbers, domains, endpoints and cluster keys in YAML,\n"
        "as apply takes them; with --json in JSON. Applied to the same database it changes\n"
        "nothing. Secrets and the values of keys are never in it; apply leaves what a file does\n"
        "not give as it is. Revoked keys are left out.",
    .examples = "  nexusctl export >all.yaml\n"
                "  nexusctl export --tenant 578ec98e-0000-46ad-9675-000000000001 >tenant.yaml\n"
                "  nexusctl export | nexusctl apply -f - --dry-run",
    .options = options,
    .option_count = COUNT_OF(options),
    .run = export,
};
