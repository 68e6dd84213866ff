// knobs: how the outside world behaves toward one channel, or toward all that have no knobs of
// their own. The list is knobs.def.
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "wire/json/codec_json.h"

#include <stdbool.h>
#include <stdint.h>

enum receipts_mode { RECEIPTS_NONE, RECEIPTS_EARLY, RECEIPTS_NORMAL, RECEIPTS_LATE };
enum gws_wrongness { GWS_RIGHT, GWS_TEXT, GWS_CUT, GWS_EMPTY, GWS_LIST, GWS_TYPES, GWS_HUGE };

enum { KNOB_TEXT_LIMIT = 255 };

struct knobs {
#define KNOB_INT(field)                                   int64_t field;
#define KNOB_RATE(field)                                  double field;
#define KNOB_BOOL(field)                                  bool field;
#define KNOB_MODE(field)                                  enum receipts_mode field;
#define KNOB_WRONG(field)                                 enum gws_wrongness field;
#define KNOB_TEXT(field)                                  char field[KNOB_TEXT_LIMIT + 1];
#define KNOB_SECRET(field)                                char field[KNOB_TEXT_LIMIT + 1];
#define KNOB(kind, field, name, fallback, low, high, doc) KNOB_##kind(field)
#include "simulator/channels/knobs.def"
#undef KNOB_INT
#undef KNOB_RATE
#undef KNOB_BOOL
#undef KNOB_MODE
#undef KNOB_WRONG
#undef KNOB_TEXT
#undef KNOB_SECRET
};

extern const struct knobs knobs_default;

// Sets the knobs that the object names, and does not change the others; sets nothing on an error.
MUST_USE bool knobs_read(const struct json_view *object, struct arena *arena, struct knobs *knobs,
                         struct err *err);
void knobs_write(const struct knobs *knobs, struct buf *out); // a JSON object; secrets as "***"
