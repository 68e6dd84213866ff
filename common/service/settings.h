// settings: the skeleton's own configuration (service/config.def), and what a command line says.
#pragma once

#include "base/config.h"
#include "io/zmq_socket.h"
#include "service/service.h"

enum { KEY_ENCRYPTION_KEY_BYTES = 32, LOG_KEY_BYTES = 32 };

struct service_config {
#define CONFIG(kind, field, ...) CONFIG_FIELD_##kind field;
#define CONFIG_FIELD_STR         struct str
#define CONFIG_FIELD_BOOL        bool
#define CONFIG_FIELD_INT         int64_t
#define CONFIG_FIELD_BYTES       int64_t
#define CONFIG_FIELD_DURATION    int64_t
#include "service/config.def"
#undef CONFIG_FIELD_STR
#undef CONFIG_FIELD_BOOL
#undef CONFIG_FIELD_INT
#undef CONFIG_FIELD_BYTES
#undef CONFIG_FIELD_DURATION
};

struct settings {
    struct service_config skeleton;
    void *program; // the struct its table describes
    char slot[16]; // "0"
    char instance[64];
    const char *file; // --config, or NULL
    struct zmq_curve curve;
    struct zmq_curve metrics_curve; // towards metrics-agent
    bool curve_on;
    double trace_sample;
    unsigned char log_key[LOG_KEY_BYTES];
};

// Reads the command line and then the configuration. What only asks (--help, --version,
// --check-config) is answered here and ends the process; so does bad configuration, with 125.
void settings_read(struct settings *settings, const struct service_def *def, int argc, char **argv,
                   struct arena *arena);

// What NEXUS_KEY_ENCRYPTION_KEY or its file says now.
MUST_USE bool settings_key_encryption_keys(const struct settings *settings, struct arena *arena,
                                           struct str *text, struct err *err);
