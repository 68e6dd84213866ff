// commands: every subcommand, one file each.
#pragma once

#include "nexusctl/cli/command.h"

extern const struct command migrate_command;
extern const struct command tenants_command;
extern const struct command apply_command;
extern const struct command export_command;
extern const struct command keys_command;
extern const struct command rekey_command;
extern const struct command ledger_command;
extern const struct command explain_command;
extern const struct command audit_command;
extern const struct command undelivered_command;
extern const struct command replay_command;
extern const struct command cancel_command;
extern const struct command destinations_command;
extern const struct command numbers_command;
extern const struct command networks_command;
extern const struct command gapis_command;
extern const struct command sign_command;
extern const struct command verify_command;
extern const struct command token_command;
extern const struct command curve_command;
extern const struct command bus_key_command;
extern const struct command completion_command;
extern const struct command manual_command;
extern const struct command version_command;
