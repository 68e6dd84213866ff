// health_reason: why health is not green. Every process reports its own reasons, workers with each
// heartbeat; a gateway collects them (gateway/health/health.h). The table is
// bus/health_reasons.def; a reason that only a newer build knows is ignored.
#pragma once

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum health_reason_id {
#define REASON(id, code, colour, sentence, remedy) HEALTH_##id,
#include "bus/health_reasons.def"
    HEALTH_REASON_COUNT
};

enum health_weight { HEALTH_WEIGHT_YELLOW, HEALTH_WEIGHT_BLIND, HEALTH_WEIGHT_RED };

struct health_reason_type {
    struct str code, sentence, remedy;
    enum health_weight weight;
};

const struct health_reason_type *health_reason_type(enum health_reason_id id);
MUST_USE bool health_reason_parse(struct str code, enum health_reason_id *id);

enum { HEALTH_ABOUT_LIMIT = 95, HEALTH_REASONS_LIMIT = 8 };

// about: a SQLSTATE, a process, a host; never a person. May be empty.
struct health_reason {
    enum health_reason_id id;
    char about[HEALTH_ABOUT_LIMIT + 1];
};

// The sentence with what it is about.
void health_reason_text(const struct health_reason *reason, struct buf *out);

// The reasons of one process, each kind at most once for each thing it is about.
struct health_reasons {
    struct health_reason list[HEALTH_REASONS_LIMIT];
    size_t count;
};

// Reasons beyond the limit are left out. about may be NULL.
void health_reasons_add(struct health_reasons *reasons, enum health_reason_id id,
                        const char *about);
bool health_reasons_equal(const struct health_reasons *a, const struct health_reasons *b);
