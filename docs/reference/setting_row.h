// setting_row: makes a row of a config.def a row of the table of all settings. The .def files undefine
// CONFIG at their end, so this is included before each of them.
#define SETTING_STR(flag, text)           .secret = (flag)&CONFIG_SECRET, .doc = text
#define SETTING_INT(low, high, text)      .minimum = low, .maximum = high, .doc = text
#define SETTING_BYTES(low, high, text)    .minimum = low, .maximum = high, .doc = text
#define SETTING_DURATION(low, high, text) .minimum = low, .maximum = high, .doc = text
#define SETTING_BOOL(text)                .doc = text
#define CONFIG(type, field, variable, text, ...)                                                   \
    {.name = variable, .kind = CONFIG_KIND_##type, .fallback = text, SETTING_##type(__VA_ARGS__)},
