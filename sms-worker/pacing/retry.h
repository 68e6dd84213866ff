// retry: the meaning of an answer for its message, and when the next attempt may be made. No I/O,
// no clock; randomness is a parameter.
#pragma once

#include "base/random.h"

#include <stdbool.h>
#include <stdint.h>

enum retry_class {
    RETRY_CLASS_OK,        // 2xx
    RETRY_CLASS_RETRY,     // no connection, timeout, 408, 425, 429, 5xx: the same may work later
    RETRY_CLASS_CONFIG,    // 401, 403, 404: the configuration must be corrected; retried slowly
    RETRY_CLASS_PERMANENT, // other 4xx, and 3xx, for redirects are not followed
    RETRY_CLASS_GONE, // 410: as CONFIG; the message waits until its webhook is repaired or moved
};

enum retry_class retry_class_of(int status);
const char *retry_class_name(enum retry_class class);

struct retry_profile {
    int64_t base_ms, cap_ms;
    int64_t config_floor_ms; // least delay of the classes CONFIG and GONE
};

extern const struct retry_profile retry_profile_sms;

// min(cap, base · 2^attempt) · U(0.5, 1), and four times as long over budget. attempt is how many
// came before. When Retry-After (-1: none) is longer, it counts as it is, up to an hour: a
// destination cannot park messages for days.
int64_t retry_delay_ms(const struct retry_profile *profile, enum retry_class class,
                       unsigned attempt, int64_t retry_after_s, bool in_budget,
                       struct random *random);

// The budget that stops amplification: a destination that fails gets its fresh messages plus a
// fifth as many retries; a retry over budget waits four times as long. A small stock lets quiet
// destinations retry at once.
struct retry_budget {
    double tokens;
};

void retry_budget_init(struct retry_budget *budget);
void retry_budget_fresh(struct retry_budget *budget); // a first attempt was made
bool retry_budget_take(struct retry_budget *budget);  // may a retry be made at its usual time?
