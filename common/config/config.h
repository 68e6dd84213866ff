// config: a program's settings, declared in a table, filled from defaults < file < environment.
//
// A row of the program's config.def is a member of its struct (config/config_struct.h), a key of
// its table (config/config_keys.h) and a line of docs/generated/configuration.md.
//
// For a key marked CONFIG_SECRET <NAME>_FILE, in the environment or the file, may name a file whose
// trimmed content is the value. The file of `--config FILE` holds NAME=value lines, # begins a
// comment. A NEXUS_* name that no program knows is refused, in the file and in the environment, so
// that a typo cannot go unseen.
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

enum config_kind {
    CONFIG_KIND_STR,
    CONFIG_KIND_INT,
    CONFIG_KIND_BYTES,
    CONFIG_KIND_DURATION,
    CONFIG_KIND_BOOL
};
enum config_flags { CONFIG_PLAIN = 0, CONFIG_SECRET = 1 };

struct config_key {
    const char *name; // NEXUS_…
    enum config_kind kind;
    size_t offset;            // into the program's struct: struct str, int64_t or bool
    const char *fallback;     // as text, parsed like any other value
    int64_t minimum, maximum; // numbers in their base unit; for str: length
    unsigned flags;
    const char *doc; // one sentence
};

#define CONFIG_STR(type, field, variable, fallback_text, flag, text)                               \
    {                                                                                              \
        .name = variable, .kind = CONFIG_KIND_STR, .offset = offsetof(struct type, field),         \
        .fallback = fallback_text, .maximum = 4096, .flags = flag, .doc = text                     \
    }
#define CONFIG_NUMBER_(kind_id, type, field, variable, fallback_text, low, high, text)             \
    {                                                                                              \
        .name = variable, .kind = kind_id, .offset = offsetof(struct type, field),                 \
        .fallback = fallback_text, .minimum = low, .maximum = high, .doc = text                    \
    }
#define CONFIG_INT(...)      CONFIG_NUMBER_(CONFIG_KIND_INT, __VA_ARGS__)
#define CONFIG_BYTES(...)    CONFIG_NUMBER_(CONFIG_KIND_BYTES, __VA_ARGS__)    // "256KiB"
#define CONFIG_DURATION(...) CONFIG_NUMBER_(CONFIG_KIND_DURATION, __VA_ARGS__) // "10s", into ms
#define CONFIG_BOOL(type, field, variable, fallback_text, text)                                    \
    {                                                                                              \
        .name = variable, .kind = CONFIG_KIND_BOOL, .offset = offsetof(struct type, field),        \
        .fallback = fallback_text, .doc = text                                                     \
    }

struct config_table {
    const struct config_key *keys;
    size_t count;
    void *values; // the struct the offsets point into
};

// Fills the structs of all tables (a program has its own and the skeleton's). path may be NULL.
// Strings live in the arena. The first fault is reported with the key's name and its rule.
MUST_USE bool config_load(const struct config_table *tables, size_t count, const char *path,
                          struct arena *arena, struct err *err);
// The current value of one key, not parsed: a file named by <NAME>_FILE is read again.
MUST_USE bool config_read_again(const struct config_key *key, const char *path, struct arena *arena,
                                struct str *value, struct err *err);
// The file that <key>_FILE names, in the environment or in the file at path (may be NULL); NULL:
// none.
MUST_USE bool config_secret_path(const char *key, const char *path, struct arena *arena,
                                 const char **secret, struct err *err);
// For --check-config: a line for each key: NAME=value (where it is from) doc. Secrets show as ***.
void config_print(const struct config_table *tables, size_t count, const char *path,
                  struct buf *out);
