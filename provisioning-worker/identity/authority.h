// authority: maps the authorities of GWS users to our permissions.
#pragma once

#include "base/str.h"

#include <stdbool.h>

// of_center: does the user belong to a contact center? Empty: nothing.
struct str authority_permission(struct str authority, bool of_center);
