// tenant_delete: "nexusctl tenants delete CCID", which deletes a contact center and all that is its own.
#pragma once

#include "nexusctl/command.h"

enum tenants_option { TENANTS_YES, TENANTS_FORCE, TENANTS_OPTIONS };

run_fn tenants_delete;
