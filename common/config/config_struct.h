// config_struct: a program's settings as a struct, made of the rows of its config.def. Its header
// does
//
//   #define CONFIG_STRUCT sms_config
//   #define CONFIG_ROWS   "sms-worker/config.def"
//   #include "config/config_struct.h"
//
// and gets struct sms_config, with a member for each row. The table of keys that fills it follows
// from the same rows (config/config_keys.h), and so does docs/generated/configuration.md.
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define CONFIG_MEMBER_STR                            struct str
#define CONFIG_MEMBER_INT                            int64_t
#define CONFIG_MEMBER_BYTES                          int64_t
#define CONFIG_MEMBER_DURATION                       int64_t
#define CONFIG_MEMBER_BOOL                           bool
#define CONFIG(kind, field, variable, fallback, ...) CONFIG_MEMBER_##kind field;
struct CONFIG_STRUCT {
#include CONFIG_ROWS
};
#undef CONFIG_MEMBER_STR
#undef CONFIG_MEMBER_INT
#undef CONFIG_MEMBER_BYTES
#undef CONFIG_MEMBER_DURATION
#undef CONFIG_MEMBER_BOOL
#undef CONFIG_STRUCT
#undef CONFIG_ROWS
