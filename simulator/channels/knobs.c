// knobs: reading and writing by the table.
#include "simulator/channels/knobs.h"

#include <stdlib.h>

const struct knobs knobs_default = {
#define KNOB(kind, field, name, fallback, low, high, doc) .field = fallback,
#include "simulator/channels/knobs.def"
};

static const struct str mode_names[] = {[RECEIPTS_NONE] = STR_INIT("none"),
                                        [RECEIPTS_EARLY] = STR_INIT("early"),
                                        [RECEIPTS_NORMAL] = STR_INIT("normal"),
                                        [RECEIPTS_LATE] = STR_INIT("late")};
static const struct str wrong_names[] = {
    [GWS_RIGHT] = STR_INIT("right"), [GWS_TEXT] = STR_INIT("text"), [GWS_CUT] = STR_INIT("cut"),
    [GWS_EMPTY] = STR_INIT("empty"), [GWS_LIST] = STR_INIT("list"), [GWS_TYPES] = STR_INIT("types"),
    [GWS_HUGE] = STR_INIT("huge")};

static bool out_of_range(const char *name, int64_t low, int64_t high, struct err *err)
{
    return err_set(err, ERR_BAD_INPUT, "%s is a number from %lld to %lld", name, (long long)low,
                   (long long)high);
}

static bool read_INT(const struct json_view *value, struct arena *arena, const char *name,
                     int64_t low, int64_t high, int64_t *field, struct err *err)
{
    int64_t number;

    (void)arena;
    if (!json_number(value, &number) || number < low || number > high)
        return out_of_range(name, low, high, err);
    *field = number;
    return true;
}

static bool read_BOOL(const struct json_view *value, struct arena *arena, const char *name,
                      int64_t low, int64_t high, bool *field, struct err *err)
{
    struct str text = json_compact(value, arena);

    (void)low;
    (void)high;
    *field = json_is_true(value);
    return *field || str_equal(text, STR("false")) ||
           err_set(err, ERR_BAD_INPUT, "%s is true or false", name);
}

static bool read_RATE(const struct json_view *value, struct arena *arena, const char *name,
                      int64_t low, int64_t high, double *field, struct err *err)
{
    const char *text = arena_c_string(arena, json_compact(value, arena));
    char *end;
    double number = strtod(text, &end);

    if (json_is_true(value) || strcmp(text, "false") == 0)
        number = json_is_true(value);
    else if (end == text || *end != '\0' || !(number >= (double)low && number <= (double)high))
        return out_of_range(name, low, high, err);
    *field = number;
    return true;
}

static bool read_MODE(const struct json_view *value, struct arena *arena, const char *name,
                      int64_t low, int64_t high, enum receipts_mode *field, struct err *err)
{
    struct str text = json_text(value);

    (void)arena;
    (void)low;
    (void)high;
    for (size_t i = 0; i < COUNT_OF(mode_names); i++) {
        if (str_equal(text, mode_names[i])) {
            *field = (enum receipts_mode)i;
            return true;
        }
    }
    return err_set(err, ERR_BAD_INPUT, "%s must be none, early, normal or late", name);
}

static bool read_WRONG(const struct json_view *value, struct arena *arena, const char *name,
                       int64_t low, int64_t high, enum gws_wrongness *field, struct err *err)
{
    struct str text = json_text(value);

    (void)arena;
    (void)low;
    (void)high;
    for (size_t i = 0; i < COUNT_OF(wrong_names); i++) {
        if (str_equal(text, wrong_names[i])) {
            *field = (enum gws_wrongness)i;
            return true;
        }
    }
    return err_set(err, ERR_BAD_INPUT, "%s is right, text, cut, empty, list, types or huge", name);
}

static bool read_TEXT(const struct json_view *value, struct arena *arena, const char *name,
                      int64_t low, int64_t high, char (*field)[KNOB_TEXT_LIMIT + 1],
                      struct err *err)
{
    struct str text = json_text(value);

    (void)arena;
    (void)low;
    (void)high;
    if (!str_present(text) || text.len > KNOB_TEXT_LIMIT)
        return err_set(err, ERR_BAD_INPUT, "%s is a text of at most %d bytes", name,
                       KNOB_TEXT_LIMIT);
    *field[0] = '\0';
    memcpy(*field, text.ptr, text.len);
    (*field)[text.len] = '\0';
    return true;
}
#define read_SECRET read_TEXT

static bool member_read(struct str member, const struct json_view *value, struct arena *arena,
                        struct knobs *knobs, struct err *err)
{
#define KNOB(kind, field, name, fallback, low, high, doc)                                          \
    if (str_equal(member, STR(name)))                                                              \
        return read_##kind(value, arena, name, low, high, &knobs->field, err);
#include "simulator/channels/knobs.def"
    return err_set(err, ERR_BAD_INPUT, "%.*s is not a knob",
                   (int)(member.len < 64 ? member.len : 64), member.ptr);
}

bool knobs_read(const struct json_view *object, struct arena *arena, struct knobs *knobs,
                struct err *err)
{
    struct knobs changed = *knobs;
    struct str member;
    const struct json_view *value;
    size_t cursor = 0;

    while (json_object_next(object, &cursor, &member, &value))
        if (!member_read(member, value, arena, &changed, err))
            return false;
    *knobs = changed;
    return true;
}

#define write_INT(name, field)    json_key_int(out, name, knobs->field)
#define write_BOOL(name, field)   json_key_bool(out, name, knobs->field)
#define write_RATE(name, field)   (json_key(out, name), json_double(out, knobs->field))
#define write_MODE(name, field)   json_key_str(out, name, mode_names[knobs->field])
#define write_WRONG(name, field)  json_key_str(out, name, wrong_names[knobs->field])
#define write_TEXT(name, field)   json_key_str(out, name, str_of(knobs->field))
#define write_SECRET(name, field) json_key_str(out, name, knobs->field[0] ? STR("***") : STR(""))

void knobs_write(const struct knobs *knobs, struct buf *out)
{
    json_open(out, '{');
#define KNOB(kind, field, name, fallback, low, high, doc) write_##kind(name, field);
#include "simulator/channels/knobs.def"
    json_close(out, '}');
}
