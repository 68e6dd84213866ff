// tenant_delete: "nexusctl tenants delete CCID", which deletes a contact center with all its data.
#pragma once

#include "nexusctl/cli/command.h"

enum tenants_option { TENANTS_YES, TENANTS_FORCE, TENANTS_OPTIONS };

run_fn tenants_delete;
