// help: the output of --help, made from the tables.
#include "nexusctl/cli/command.h"

// The width of the left column. A longer option has its text on the next line.
enum { LEFT_WIDTH = 24, GREATEST_LEFT_WIDTH = 28 };

void option_spell(const struct option *option, struct buf *out)
{
    buf_printf(out, "%s%s%s%s%s", option->short_name ? option->short_name : "",
               option->short_name ? ", " : "", option->name, option->value ? " " : "",
               option->value ? option->value : "");
}

void option_describe(const struct option *option, struct buf *out)
{
    buf_printf(out, "%s%s%s", option->verb ? option->verb : "", option->verb ? ": " : "",
               option->doc);
}

static int options_width(const struct option *options, size_t count)
{
    size_t width = LEFT_WIDTH;

    for (size_t i = 0; i < count; i++) {
        AUTO(buf) left = {0};
        option_spell(&options[i], &left);
        if (left.len > width && left.len <= GREATEST_LEFT_WIDTH)
            width = left.len;
    }
    return (int)width;
}

static void option_help(const struct option *option, int width, struct buf *out)
{
    AUTO(buf) left = {0};

    option_spell(option, &left);
    if (left.len > (size_t)width)
        buf_printf(out, "  %s\n  %*s  ", buf_c_string(&left), width, "");
    else
        buf_printf(out, "  %-*s  ", width, buf_c_string(&left));
    option_describe(option, out);
    buf_byte(out, '\n');
}

static void options_help(const struct command *command, struct buf *out)
{
    int width = options_width(command->options, command->option_count);

    for (size_t i = 0; i < command->option_count; i++)
        option_help(&command->options[i], width, out);
    for (size_t i = 0; i < COMMON_OPTIONS; i++)
        if (common_option_applies(command, i))
            option_help(&common_options[i], width, out);
}

void command_help(const struct command *command, struct buf *out)
{
    buf_printf(out, "nexusctl %s: %s\n\nUsage: nexusctl %s%s%s\n\n", command->name,
               command->summary, command->name, *command->usage ? " " : "", command->usage);
    for (size_t i = 0; i < command->verb_count; i++)
        buf_printf(out, "  %-24s %s\n%s", command->verbs[i].name, command->verbs[i].summary,
                   i + 1 == command->verb_count ? "\n" : "");
    buf_printf(out, "%s\n\nOptions:\n", command->manual);
    options_help(command, out);
    buf_printf(out, "\nExamples:\n%s\n", command->examples);
}

void commands_help(const struct command *const *commands, size_t count, struct buf *out)
{
    buf_printf(out, "nexusctl: the operator's command\n\nUsage: nexusctl COMMAND [OPTIONS]\n\n");
    for (size_t i = 0; i < count; i++)
        buf_printf(out, "  %-12s  %s\n", commands[i]->name, commands[i]->summary);
    buf_printf(out, "\nnexusctl COMMAND --help explains a command and shows examples. The database "
                    "is NEXUS_PG_URL\nor --pg URL. Exit codes: 0 done, 1 failed or the answer is "
                    "no, 2 used wrongly, 3 a dry run\nfound something to do.\n");
}
