// handlers: what sms-worker does for each message of its table (common/wire/messages/sms.def).
#pragma once

#define HANDLERS_OF "wire/messages/sms.def"
#include "service/tasks/handlers.h"
