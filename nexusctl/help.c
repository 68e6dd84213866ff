// help: what --help prints, made of the tables.
#include "nexusctl/command.h"

static void options_help(const struct option *options, size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        AUTO(buf) left = {0};
        buf_printf(&left, "%s%s%s%s%s", options[i].short_name ? options[i].short_name : "",
                   options[i].short_name ? ", " : "", options[i].name, options[i].value ? " " : "",
                   options[i].value ? options[i].value : "");
        buf_printf(out, "  %-24s %s\n", buf_c_string(&left), options[i].doc);
    }
}

void command_help(const struct command *command, struct buf *out)
{
    buf_printf(out, "nexusctl %s: %s\n\nUsage: nexusctl %s %s\n\n", command->name, command->summary,
               command->name, command->usage);
    for (size_t i = 0; i < command->verb_count; i++)
        buf_printf(out, "  %-24s %s\n%s", command->verbs[i].name, command->verbs[i].summary,
                   i + 1 == command->verb_count ? "\n" : "");
    buf_printf(out, "%s\n\nOptions:\n", command->manual);
    options_help(command->options, command->option_count, out);
    options_help(common_options, COMMON_OPTIONS, out);
    buf_printf(out, "\nExamples:\n%s\n", command->examples);
}

void commands_help(const struct command *const *commands, size_t count, struct buf *out)
{
    buf_printf(out, "nexusctl: the operator's command\n\nUsage: nexusctl COMMAND [OPTIONS]\n\n");
    for (size_t i = 0; i < count; i++)
        buf_printf(out, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
    buf_printf(out, "\nnexusctl COMMAND --help explains a command and shows examples. The database "
                    "is NEXUS_PG_URL\nor --pg URL. Exit codes: 0 done, 1 failed or the answer is "
                    "no, 2 used wrongly, 3 a dry run\nfound something to do.\n");
}
