// handlers: what provisioning-worker does for each message of its table (common/wire/messages/provisioning.def).
#pragma once

#define HANDLERS_OF "wire/messages/provisioning.def"
#include "service/tasks/handlers.h"
