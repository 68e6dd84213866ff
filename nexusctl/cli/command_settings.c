// command_settings: the settings of this installation for a subcommand, and the database that they
// name.
#include "config/config.h"
#include "nexusctl/cli/command.h"

#include <errno.h>
#include <unistd.h>

bool call_settings_load(struct call *call, struct err *err)
{
    static const struct config_key keys[] = {
        CONFIG_STR(command_settings, pg_url, "NEXUS_PG_URL", "", CONFIG_SECRET, "PostgreSQL."),
        CONFIG_STR(command_settings, pg_migration_url, "NEXUS_PG_MIGRATION_URL", "", CONFIG_SECRET,
                   "PostgreSQL with the login of migrate; NEXUS_PG_URL when empty."),
        CONFIG_STR(command_settings, key_pepper, "NEXUS_KEY_PEPPER", "", CONFIG_SECRET,
                   "32 bytes in hex with which API keys are digested."),
        CONFIG_STR(command_settings, key_encryption_key, "NEXUS_KEY_ENCRYPTION_KEY", "",
                   CONFIG_SECRET, "32 bytes in hex that seal secrets at rest."),
        CONFIG_STR(command_settings, log_key, "NEXUS_LOG_KEY", "", CONFIG_SECRET,
                   "32 bytes in hex that make tokens of phone numbers in logs."),
        CONFIG_BOOL(command_settings, webhook_https_only, "NEXUS_WEBHOOK_HTTPS_ONLY", "false",
                    "Webhooks must have https://."),
    };
    const struct config_table table = {
        .keys = keys, .count = COUNT_OF(keys), .values = &call->settings};

    if (!call->config && access(CONFIG_INSTALLED, R_OK) == 0)
        call->config = CONFIG_INSTALLED;
    return config_load(&table, 1, call->config, call->arena, err);
}

static bool connect_to(struct call *call, struct str setting, struct pg_script **script,
                       struct err *err)
{
    struct str url = str_present(call->pg_url) ? call->pg_url : setting;

    if (url.len == 0 && access(CONFIG_INSTALLED, R_OK) != 0 && errno == EACCES)
        return usage_set(call, err,
                         "no database is named: " CONFIG_INSTALLED
                         " may be read by root and user nexus only. Run nexusctl as user nexus, "
                         "set NEXUS_PG_URL or give --pg URL");
    if (url.len == 0)
        return usage_set(call, err, "no database is named: set NEXUS_PG_URL or give --pg URL");
    return pg_script_open(arena_c_string(call->arena, url), "nexusctl", script, err);
}

bool call_connect(struct call *call, struct pg_script **script, struct err *err)
{
    return connect_to(call, call->settings.pg_url, script, err);
}

bool call_connect_owner(struct call *call, struct pg_script **script, struct err *err)
{
    const struct command_settings *settings = &call->settings;

    return connect_to(
        call, settings->pg_migration_url.len > 0 ? settings->pg_migration_url : settings->pg_url,
        script, err);
}
