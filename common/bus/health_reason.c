// health_reason: see the header.
#include "bus/health_reason.h"

#include <stdio.h>

static const struct health_reason_type types[HEALTH_REASON_COUNT] = {
#define REASON(id, reason_code, colour, text, what_to_do)                                          \
    [HEALTH_##id] = {.code = STR_INIT(reason_code),                                                \
                     .sentence = STR_INIT(text),                                                   \
                     .remedy = STR_INIT(what_to_do),                                               \
                     .weight = HEALTH_WEIGHT_##colour},
#include "bus/health_reasons.def"
};

const struct health_reason_type *health_reason_type(enum health_reason_id id)
{
    return &types[id];
}

bool health_reason_parse(struct str code, enum health_reason_id *id)
{
    for (size_t i = 0; i < HEALTH_REASON_COUNT; i++) {
        if (str_equal(types[i].code, code)) {
            *id = (enum health_reason_id)i;
            return true;
        }
    }
    return false;
}

void health_reason_text(const struct health_reason *reason, struct buf *out)
{
    struct str sentence = types[reason->id].sentence, before, behind;

    if (str_cut(sentence, '@', &before, &behind))
        buf_printf(out, "%.*s%s%.*s", STR_ARG(before), reason->about, STR_ARG(behind));
    else
        buf_printf(out, "%.*s%s%s", STR_ARG(sentence), reason->about[0] ? ": " : "", reason->about);
}

static bool is_same(const struct health_reason *reason, enum health_reason_id id, const char *about)
{
    return reason->id == id && strcmp(reason->about, about) == 0;
}

void health_reasons_add(struct health_reasons *reasons, enum health_reason_id id, const char *about)
{
    struct health_reason reason = {.id = id};

    snprintf(reason.about, sizeof reason.about, "%s", about ? about : "");
    for (size_t i = 0; i < reasons->count; i++)
        if (is_same(&reasons->list[i], id, reason.about))
            return;
    if (reasons->count < HEALTH_REASONS_LIMIT)
        reasons->list[reasons->count++] = reason;
}

bool health_reasons_equal(const struct health_reasons *a, const struct health_reasons *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!is_same(&a->list[i], b->list[i].id, b->list[i].about))
            return false;
    return true;
}
