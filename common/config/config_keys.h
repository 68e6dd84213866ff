// config_keys: the table of keys that fills a struct of config/config_struct.h. The one file that
// needs it does
//
//   #define CONFIG_STRUCT sms_config
//   #define CONFIG_ROWS   "sms-worker/config.def"
//   #include "config/config_keys.h"
//
// and gets `static const struct config_key config_keys[]`.
#include "config/config.h"

#define CONFIG(kind, field, ...) CONFIG_##kind(CONFIG_STRUCT, field, __VA_ARGS__),
static const struct config_key config_keys[] = {
#include CONFIG_ROWS
};
#undef CONFIG_STRUCT
#undef CONFIG_ROWS
