// setting_table: one config.def as a table for the reference.
//
//   #define SETTINGS      gateway_settings
//   #define SETTINGS_FILE "gateway/config.def"
//   #include "setting_table.h"
#define SETTING_STR(flag, text)           .secret = (flag)&CONFIG_SECRET, .doc = text
#define SETTING_INT(low, high, text)      .minimum = low, .maximum = high, .doc = text
#define SETTING_BYTES(low, high, text)    .minimum = low, .maximum = high, .doc = text
#define SETTING_DURATION(low, high, text) .minimum = low, .maximum = high, .doc = text
#define SETTING_BOOL(text)                .doc = text
#define CONFIG(type, field, variable, text, ...)                                                   \
    {.name = variable, .kind = CONFIG_KIND_##type, .fallback = text, SETTING_##type(__VA_ARGS__)},

static const struct setting SETTINGS[] = {
#include SETTINGS_FILE
};

#undef CONFIG
#undef SETTING_STR
#undef SETTING_INT
#undef SETTING_BYTES
#undef SETTING_DURATION
#undef SETTING_BOOL
#undef SETTINGS
#undef SETTINGS_FILE
