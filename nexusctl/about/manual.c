// manual: the manual page of nexusctl in roff, made from the tables of --help.
#include "nexusctl/commands.h"

// A literal line: no blank at its end, no roff control character at its beginning, and hyphens that
// can be copied.
static void line_write(struct str line, struct buf *out)
{
    if (line.len > 0 && (line.ptr[0] == '.' || line.ptr[0] == '\''))
        buf_str_append(out, STR("\\&"));
    for (size_t i = 0; i < line.len; i++) {
        if (line.ptr[i] == '\\')
            buf_str_append(out, STR("\\e"));
        else if (line.ptr[i] == '-')
            buf_str_append(out, STR("\\-"));
        else
            buf_byte(out, (unsigned char)line.ptr[i]);
    }
    buf_byte(out, '\n');
}

static void lines_write(const char *text, struct buf *out)
{
    struct str line, rest = str_of(text);

    while (str_present(rest)) {
        str_cut(rest, '\n', &line, &rest);
        line_write(line, out);
    }
}

static void verbatim_write(const char *text, struct buf *out)
{
    buf_str_append(out, STR(".PP\n.nf\n"));
    lines_write(text, out);
    buf_str_append(out, STR(".fi\n"));
}

static void option_write(const struct option *option, struct buf *out)
{
    AUTO(buf) name = {0};
    AUTO(buf) doc = {0};

    option_spell(option, &name);
    option_describe(option, &doc);
    buf_str_append(out, STR(".TP\n.B "));
    line_write(buf_str(&name), out);
    lines_write(buf_c_string(&doc), out);
}

static void command_write(const struct command *command, struct buf *out)
{
    AUTO(buf) line = {0};

    buf_printf(out, ".SS %s\n", command->name);
    buf_printf(&line, "%s %s", command->name, command->usage);
    buf_str_append(out, STR(".B "));
    line_write(buf_str(&line), out);
    buf_str_append(out, STR(".PP\n"));
    lines_write(command->summary, out);
    for (size_t i = 0; i < command->verb_count; i++) {
        buf_printf(out, ".TP\n.B %s\n", command->verbs[i].name);
        lines_write(command->verbs[i].summary, out);
    }
    verbatim_write(command->manual, out);
    for (size_t i = 0; i < command->option_count; i++)
        option_write(&command->options[i], out);
    buf_str_append(out, STR(".PP\nExamples:\n"));
    verbatim_write(command->examples, out);
}

static bool manual(struct call *call, struct err *err)
{
    struct buf *out = &call->out;

    (void)err;
    buf_str_append(out, STR(".TH NEXUSCTL 1 \"\" \"Nexus " NEXUS_VERSION "\" \"Nexus\"\n"
                            ".SH NAME\nnexusctl \\- the operator's command of Nexus\n"
                            ".SH SYNOPSIS\n.B nexusctl\n.I COMMAND\n[OPTIONS]\n"
                            ".SH DESCRIPTION\n"
                            "Answers go to standard output, errors to standard error.\n"
                            ".SH COMMANDS\n"));
    for (size_t i = 0; i < call->command_count; i++)
        command_write(call->commands[i], out);
    buf_str_append(out, STR(".SH OPTIONS\nThese are known to every command; \\-\\-pg to those that "
                            "ask a database.\n"));
    for (size_t i = 0; i < COMMON_OPTIONS; i++)
        option_write(&common_options[i], out);
    buf_str_append(out,
                   STR(".SH EXIT STATUS\n0 done; 1 failed, or the answer is no; 2 used wrongly; 3 "
                       "a dry run found something to do.\n"
                       ".SH ENVIRONMENT\nNEXUS_PG_URL, NEXUS_PG_MIGRATION_URL, NEXUS_KEY_PEPPER, "
                       "NEXUS_KEY_ENCRYPTION_KEY and NEXUS_LOG_KEY. Each may be in a file instead: "
                       "NEXUS_PG_URL_FILE names it, and so on. NEXUS_WEBHOOK_HTTPS_ONLY.\n"));
    return true;
}

const struct command manual_command = {
    .name = "manual",
    .summary = "print the manual page of all commands",
    .usage = "",
    .manual = "Prints in roff what --help of all commands says. docs/generated/nexusctl.1 is that.",
    .examples = "  nexusctl manual | man -l -\n"
                "  nexusctl manual >/usr/local/share/man/man1/nexusctl.1",
    .offline = true,
    .run = manual,
};
