// handlers: what chat-worker does for each message of its table (common/wire/messages/chat.def).
#pragma once

#define HANDLERS_OF "wire/messages/chat.def"
#include "service/tasks/handlers.h"
