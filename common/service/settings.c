// settings: see the header.
#include "service/settings.h"

#include "base/panic.h"
#include "base/random.h"
#include "base/revision.h"
#include "io/pg/pg.h"
#include "telemetry/log.h"
#include "telemetry/spans.h"

#include <getopt.h>
#include <stdlib.h>

#define CONFIG_STRUCT service_config
#define CONFIG_ROWS   "service/config.def"
#include "config/config_keys.h"

struct command_line {
    bool check_config;
};

static void keys_print(struct buf *out, const struct config_key *keys, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buf_printf(out, "  %-28s %s%s%s%s\n", keys[i].name, keys[i].doc,
                   keys[i].fallback[0] ? " Default: " : "", keys[i].fallback,
                   keys[i].fallback[0] ? "." : "");
}

NO_RETURN static void help(const struct service_def *def)
{
    AUTO(buf) out = {0};

    buf_printf(&out,
               "%s: %s.\n\n"
               "Usage: %s [--instance N] [--config FILE] [--check-config] [--help] [--version]\n\n"
               "  --instance N     which of several processes this is, from 0; its name becomes "
               "%s-N\n"
               "  --config FILE    lines NAME=value; the environment wins over them\n"
               "  --check-config   print what would run, and where each value comes from; 125 when "
               "something is wrong\n\n"
               "It writes one JSON line an event to standard output: one step more talkative on "
               "SIGUSR1, one less on SIGUSR2. It stops in good order on SIGTERM, and at once on a "
               "second.\n\n"
               "Settings, from the environment or the file. <NAME>_FILE names a file that holds "
               "a secret.\n\n",
               def->name, def->summary, def->name, def->name);
    keys_print(&out, def->config, def->config_count);
    keys_print(&out, config_keys, COUNT_OF(config_keys));
    fwrite(out.data, 1, out.len, stdout);
    exit(EXIT_SUCCESS);
}

static void command_line_read(struct settings *settings, const struct service_def *def, int argc,
                              char **argv, struct command_line *line)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},           {"version", no_argument, NULL, 'v'},
        {"config", required_argument, NULL, 'c'},   {"check-config", no_argument, NULL, 'k'},
        {"instance", required_argument, NULL, 'i'}, {NULL, 0, NULL, 0}};
    int64_t slot = 0;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'h': help(def);
        case 'v': printf("%s %s (%s)\n", def->name, NEXUS_VERSION, revision); exit(EXIT_SUCCESS);
        case 'c': settings->file = optarg; break;
        case 'k': line->check_config = true; break;
        case 'i':
            if (!str_to_int(str_of(optarg), 0, 9999, &slot))
                die("%s: --instance is a number from 0 to 9999", def->name);
            break;
        default: die("Try '%s --help'.", def->name);
        }
    }
    if (optind < argc)
        die("%s: unknown argument \"%s\". Try '%s --help'.", def->name, argv[optind], def->name);
    snprintf(settings->slot, sizeof settings->slot, "%d", (int)slot);
    snprintf(settings->instance, sizeof settings->instance, "%.40s-%.16s", def->name,
             settings->slot);
}

static bool curve_secret_read(struct settings *settings, struct arena *arena, struct err *err)
{
    const char *key = "NEXUS_CURVE_SECRET", *path = NULL;
    struct err ignored;

    if (zmq_key_pair_read(settings->skeleton.curve_secret, &settings->keys, err))
        return true;
    if (config_secret_path(key, settings->file, arena, &path, &ignored) && path)
        err_in(err, path);
    return err_in(err, key);
}

static bool curve_read(struct settings *settings, struct arena *arena, struct err *err)
{
    const struct service_config *config = &settings->skeleton;

    if (config->curve_secret.len > 0 && !curve_secret_read(settings, arena, err))
        return false;
    settings->curve = (struct zmq_curve){.public_key = config->curve_public,
                                         .secret_key = str_of(settings->keys.secret_key),
                                         .server_key = config->curve_server,
                                         .allowed_clients = config->curve_clients};
    settings->metrics_curve = settings->curve;
    if (config->curve_agent.len > 0)
        settings->metrics_curve.server_key = config->curve_agent;
    settings->curve_on = config->curve_public.len > 0;
    if (settings->curve_on != (config->curve_secret.len > 0))
        return err_set(err, ERR_BAD_INPUT,
                       "NEXUS_CURVE_PUBLIC and NEXUS_CURVE_SECRET are needed together");
    return true;
}

// One key of 64 hex digits a line. Their users make a keyring of them (secrets/keyring.h); here
// they are only checked, so that a typo is reported at the start.
static bool keys_check(const struct settings *settings, struct err *err)
{
    struct str line, rest = settings->skeleton.key_encryption_key;

    while (str_present(rest)) {
        AUTO(buf) bytes = {0};
        str_cut(rest, '\n', &line, &rest);
        line = str_trim(line);
        if (line.len && (!buf_unhex(&bytes, line) || bytes.len != KEY_ENCRYPTION_KEY_BYTES))
            return err_set(err, ERR_BAD_INPUT, "NEXUS_KEY_ENCRYPTION_KEY is not %d bytes in hex",
                           KEY_ENCRYPTION_KEY_BYTES);
    }
    return true;
}

bool settings_key_encryption_keys(const struct settings *settings, struct arena *arena,
                                  struct str *text, struct err *err)
{
    static const struct str name = STR_INIT("NEXUS_KEY_ENCRYPTION_KEY");

    for (size_t i = 0; i < COUNT_OF(config_keys); i++)
        if (str_equal(str_of(config_keys[i].name), name))
            return config_read_again(&config_keys[i], settings->file, arena, text, err);
    return err_set(err, ERR_INTERNAL, "there is no such setting");
}

static bool log_level_check(const struct settings *settings, struct err *err)
{
    enum log_level level;

    return log_level_parse(settings->skeleton.log_level, &level) ||
           err_set(err, ERR_BAD_INPUT, "NEXUS_LOG_LEVEL is debug, info, warn or error");
}

static bool trace_sample_read(struct settings *settings, struct err *err)
{
    return spans_ratio_parse(settings->skeleton.trace_sample, &settings->trace_sample) ||
           err_set(err, ERR_BAD_INPUT, "NEXUS_TRACE_SAMPLE is a number from 0 to 1, like 0.01");
}

static bool log_key_read(struct settings *settings, struct err *err)
{
    struct str hex = settings->skeleton.log_key;
    AUTO(buf) bytes = {0};

    if (hex.len == 0) {
        random_bytes(settings->log_key, sizeof settings->log_key);
        return true;
    }
    if (!buf_unhex(&bytes, hex) || bytes.len != LOG_KEY_BYTES)
        return err_set(err, ERR_BAD_INPUT, "NEXUS_LOG_KEY is not %d bytes in hex", LOG_KEY_BYTES);
    memcpy(settings->log_key, bytes.data, LOG_KEY_BYTES);
    return true;
}

static bool pg_url_read(const struct settings *settings, struct err *err)
{
    return pg_url_check(settings->skeleton.pg_url, err) || err_in(err, "NEXUS_PG_URL");
}

NO_RETURN static void check_config(const struct settings *settings,
                                   const struct config_table *tables, size_t count,
                                   struct arena *arena)
{
    AUTO(buf) out = {0};

    config_print(tables, count, settings->file, &out);
    const char *weakness = pg_url_weakness(arena_c_string(arena, settings->skeleton.pg_url));
    if (weakness)
        buf_printf(&out, "# warning: NEXUS_PG_URL: %s\n", weakness);
    fwrite(out.data, 1, out.len, stdout);
    exit(EXIT_SUCCESS);
}

void settings_read(struct settings *settings, const struct service_def *def, int argc, char **argv,
                   struct arena *arena)
{
    struct command_line line = {0};
    struct err err;

    command_line_read(settings, def, argc, argv, &line);
    settings->program = arena_alloc(arena, def->config_size + 1);
    const struct config_table tables[] = {
        {.keys = def->config, .count = def->config_count, .values = settings->program},
        {.keys = config_keys, .count = COUNT_OF(config_keys), .values = &settings->skeleton}};
    if (!config_load(tables, COUNT_OF(tables), settings->file, arena, &err) ||
        !curve_read(settings, arena, &err) || !keys_check(settings, &err) ||
        !log_level_check(settings, &err) || !trace_sample_read(settings, &err) ||
        !log_key_read(settings, &err) || !pg_url_read(settings, &err))
        die("%s: %s", def->name, err.text);
    if (line.check_config)
        check_config(settings, tables, COUNT_OF(tables), arena);
}
