// completion: the script with which a shell completes words, made from the same tables as --help.
#include "nexusctl/commands.h"
#include "secrets/api_key.h"

#include <ctype.h>

// The tables say which values are files ("FILE") and which are one of a few words
// ("channel|tenant", and the names below). Other values are not completed.
static const struct known_words {
    const char *value, *words;
} known[] = {
#define X(permission) permission " "
    {"PERMISSION", API_KEY_PERMISSIONS(X)},
#undef X
};

static const char *words_of(const char *value)
{
    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (strcmp(known[i].value, value) == 0)
            return known[i].words;
    return islower((unsigned char)value[0]) ? value : NULL;
}

static void value_case(const struct option *option, struct buf *out)
{
    if (!option->value)
        return;
    buf_printf(out, "            %s%s%s) ", option->name, option->short_name ? " | " : "",
               option->short_name ? option->short_name : "");
    const char *words = words_of(option->value);
    if (strcmp(option->value, "FILE") == 0) {
        buf_str_append(out, STR("mapfile -t COMPREPLY < <(compgen -f -- \"$current\")"));
    } else if (words) {
        buf_str_append(out, STR("_nexusctl_offer '"));
        for (const char *c = words; *c; c++)
            buf_byte(out, (unsigned char)(*c == '|' ? ' ' : *c));
        buf_byte(out, '\'');
    } else {
        buf_str_append(out, STR("compopt +o default 2>/dev/null || true"));
    }
    buf_str_append(out, STR("; return 0 ;;\n"));
}

// The options of every command. Not every command has --pg, so it is among a command's own options.
static void common_words(struct buf *out)
{
    for (size_t i = 0; i < COMMON_OPTIONS; i++)
        if (i != COMMON_PG)
            buf_printf(out, " %s", common_options[i].name);
}

static void option_words(const struct option *options, size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++)
        buf_printf(out, " %s", options[i].name);
}

static void values_case(const struct option *options, size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++)
        value_case(&options[i], out);
}

static void command_case(const struct command *command, struct buf *out)
{
    buf_printf(out, "    %s)\n        options='", command->name);
    option_words(command->options, command->option_count, out);
    if (common_option_applies(command, COMMON_PG))
        option_words(&common_options[COMMON_PG], 1, out);
    buf_str_append(out, STR("'\n        verbs='"));
    for (size_t i = 0; i < command->verb_count; i++)
        buf_printf(out, "%s%s", i ? " " : "", command->verbs[i].name);
    buf_str_append(out, STR("'\n        case $previous in\n"));
    values_case(command->options, command->option_count, out);
    buf_str_append(out, STR("        esac\n        ;;\n"));
}

static void valued_words(const struct option *options, size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++)
        if (options[i].value)
            buf_printf(out, "%s %s ", options[i].name,
                       options[i].short_name ? options[i].short_name : "");
}

// valued: options that take the next word. Bash splits --option=value into three words, and a value
// at its colons: the script joins them again, and removes the part before the colons from its
// suggestions.
static void head_write(const struct call *call, struct buf *out)
{
    buf_str_append(
        out,
        STR("# Completion of nexusctl for bash. Written by: nexusctl completion bash\n"
            "_nexusctl_offer() {\n"
            "    mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$current\")\n"
            "    local before=${current%\"${COMP_WORDS[COMP_CWORD]##:}\"}\n"
            "    COMPREPLY=(\"${COMPREPLY[@]#\"$before\"}\")\n"
            "}\n"
            "\n"
            "_nexusctl() {\n"
            "    local parts=() part\n"
            "    for part in \"${COMP_WORDS[@]:0:COMP_CWORD + 1}\"; do\n"
            "        if [ ${#parts[@]} -gt 0 ] && [[ $part == :* || ${parts[-1]} == *: ]]; then "
            "parts[-1]+=$part\n"
            "        else parts+=(\"$part\"); fi\n"
            "    done\n"
            "    local place_last=$((${#parts[@]} - 1))\n"
            "    local valued=' = "));
    valued_words(common_options, COMMON_OPTIONS, out);
    for (size_t i = 0; i < call->command_count; i++)
        valued_words(call->commands[i]->options, call->commands[i]->option_count, out);
    buf_str_append(out,
                   STR("'\n"
                       "    local current=${parts[place_last]} previous=${parts[place_last - 1]}\n"
                       "    local command='' words=0 place word verbs='' options='--pg'\n"
                       "    COMPREPLY=()\n"
                       "    if [ \"$current\" = = ]; then current=''; fi\n"
                       "    if [ \"$previous\" = = ]; then previous=${parts[place_last - 2]}; fi\n"
                       "    for ((place = 1; place < place_last; place++)); do\n"
                       "        word=${parts[place]}\n"
                       "        if [[ $valued == *\" $word \"* ]]; then place=$((place + 1))\n"
                       "        elif [[ $word == -* ]]; then continue\n"
                       "        elif [ -z \"$command\" ]; then command=$word\n"
                       "        else words=$((words + 1)); fi\n"
                       "    done\n"
                       "    case $previous in\n"));
}

static const char tail[] =
    "    esac\n"
    "    if [[ $current == -* ]]; then\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"$options $common\" -- \"$current\")\n"
    "    elif [ -z \"$command\" ]; then\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"$commands help\" -- \"$current\")\n"
    "    elif [ \"$command\" = help ]; then\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"$commands\" -- \"$current\")\n"
    "    elif [ -n \"$verbs\" ] && [ \"$words\" = 0 ]; then\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"$verbs\" -- \"$current\")\n"
    "    fi\n"
    "}\n"
    "complete -o default -F _nexusctl nexusctl\n"
    "\n"
    "# In a source tree ./build.sh ctl is nexusctl.\n"
    "_nexusctl_build() {\n"
    "    COMPREPLY=()\n"
    "    if [ \"${COMP_WORDS[1]}\" = ctl ] && [ \"$COMP_CWORD\" -gt 1 ]; then\n"
    "        local COMP_WORDS=(\"${COMP_WORDS[@]:1}\") COMP_CWORD=$((COMP_CWORD - 1))\n"
    "        _nexusctl\n"
    "    fi\n"
    "}\n"
    "complete -o default -F _nexusctl_build build.sh\n";

static bool bash(struct call *call, struct err *err)
{
    struct buf *out = &call->out;

    (void)err;
    head_write(call, out);
    values_case(common_options, COMMON_OPTIONS, out);
    buf_str_append(out, STR("    esac\n    local common='"));
    common_words(out);
    buf_str_append(out, STR("' commands='"));
    for (size_t i = 0; i < call->command_count; i++)
        buf_printf(out, "%s%s", i ? " " : "", call->commands[i]->name);
    buf_str_append(out, STR("'\n    case $command in\n"));
    for (size_t i = 0; i < call->command_count; i++)
        command_case(call->commands[i], out);
    buf_str_append(out, STR(tail));
    return true;
}

static const struct verb verbs[] = {
    {"bash", "for ~/.bashrc, or a file of /etc/bash_completion.d", bash, 0},
};

const struct command completion_command = {
    .name = "completion",
    .summary = "complete words in the shell",
    .usage = "bash",
    .manual = "Prints what the shell needs to complete commands, options and their values.",
    .examples = "  source <(nexusctl completion bash)\n"
                "  source <(./build.sh ctl completion bash)\n"
                "  nexusctl completion bash >/etc/bash_completion.d/nexusctl",
    .verbs = verbs,
    .verb_count = COUNT_OF(verbs),
    .offline = true,
};
