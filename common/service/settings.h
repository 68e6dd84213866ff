// settings: the skeleton's own configuration (service/config.def), and what a command line says.
#pragma once

#include "config/config.h"
#include "io/zmq/zmq_key_file.h"
#include "io/zmq/zmq_socket.h"
#include "service/service.h"

enum { KEY_ENCRYPTION_KEY_BYTES = 32, LOG_KEY_BYTES = 32 };

#define CONFIG_STRUCT service_config
#define CONFIG_ROWS   "service/config.def"
#include "config/config_struct.h"

struct settings {
    struct service_config skeleton;
    void *program; // the struct its table describes
    char slot[16]; // "0"
    char instance[64];
    const char *file;         // --config, or NULL
    struct zmq_key_pair keys; // of CURVE, where it is on
    struct zmq_curve curve;
    struct zmq_curve metrics_curve; // towards metrics-agent
    bool curve_on;
    double trace_sample;
    unsigned char log_key[LOG_KEY_BYTES];
};

// Reads the command line and then the configuration. --help, --version and --check-config are
// answered here and end the process; so does bad configuration, with 125.
void settings_read(struct settings *settings, const struct service_def *def, int argc, char **argv,
                   struct arena *arena);

// What NEXUS_KEY_ENCRYPTION_KEY or its file says now.
MUST_USE bool settings_key_encryption_keys(const struct settings *settings, struct arena *arena,
                                           struct str *text, struct err *err);
