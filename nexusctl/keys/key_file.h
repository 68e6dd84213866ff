// key_file: the file of NEXUS_KEY_ENCRYPTION_KEY_FILE, which workers read again while they run: a key
// of 64 hex digits on each line. The first one seals, all can open.
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

MUST_USE bool key_file_read(const char *path, struct arena *arena, struct str *text,
                            struct err *err);
// Replaces the file by these lines atomically and durably: a reader finds the old ones or the new
// ones, also after a crash of the machine. Owner and mode stay.
MUST_USE bool key_file_write(const char *path, struct str text, struct err *err);
