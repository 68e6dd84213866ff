// A configuration file of any content is read or refused, and accepted values are within their
// limits.
#include "tests/fuzz/fuzz.h"

#include "config/config.h"

#include <fcntl.h>
#include <sys/mman.h>

struct sample {
    struct str text, secret;
    int64_t count, bytes, wait_ms;
    bool on;
};

static const struct config_key keys[] = {
    CONFIG_STR(sample, text, "NEXUS_A", "", CONFIG_PLAIN, "Text."),
    CONFIG_STR(sample, secret, "NEXUS_B", "", CONFIG_SECRET, "A secret."),
    CONFIG_INT(sample, count, "NEXUS_C", "4", 1, 16, "A count."),
    CONFIG_BYTES(sample, bytes, "NEXUS_D", "64KiB", 1024, 1 << 20, "A size."),
    CONFIG_DURATION(sample, wait_ms, "NEXUS_E", "10s", 100, 30000, "A wait."),
    CONFIG_BOOL(sample, on, "NEXUS_F", "false", "A switch."),
};

FUZZ(bytes)
{
    struct sample sample;
    const struct config_table table = {.keys = keys, .count = COUNT_OF(keys), .values = &sample};
    struct arena *arena = arena_new();
    struct err err;
    int file = memfd_create("configuration", MFD_CLOEXEC);

    ASSERT(write(file, bytes.ptr, bytes.len) == (ssize_t)bytes.len);
    if (config_load(&table, 1, arena_printf(arena, "/proc/self/fd/%d", file).ptr, arena, &err)) {
        ASSERT(sample.count >= 1 && sample.count <= 16);
        ASSERT(sample.bytes >= 1024 && sample.bytes <= 1 << 20);
        ASSERT(sample.wait_ms >= 100 && sample.wait_ms <= 30000);
        ASSERT(sample.text.len <= 4096);
    }
    close(file);
    arena_free(&arena);
}
