// nexusctl: the operator's command.
#include "nexusctl/commands.h"

static const struct command *const commands[] = {
    &migrate_command,      &tenants_command,     &apply_command,    &export_command,
    &keys_command,         &rekey_command,       &audit_command,    &ledger_command,
    &explain_command,      &undelivered_command, &replay_command,   &cancel_command,
    &destinations_command, &numbers_command,     &networks_command, &gapis_command,
    &sign_command,         &verify_command,      &token_command,    &curve_command,
    &bus_key_command,      &completion_command,  &manual_command,   &version_command,
};

int main(int argc, char **argv)
{
    return nexusctl_run(commands, COUNT_OF(commands), argc, argv);
}
