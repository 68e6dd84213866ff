#include "sms-worker/pacing/retry.h"

#include "base/panic.h"

enum { RETRY_AFTER_LIMIT_S = 3600, EXPONENT_LIMIT = 30, OVER_BUDGET_FACTOR = 4 };

static const double budget_share = 0.2;
static const double budget_stock = 10;

const struct retry_profile retry_profile_sms = {
    .base_ms = 1000,
    .cap_ms = 30 * 60 * 1000,
    .config_floor_ms = 60 * 1000,
};

enum retry_class retry_class_of(int status)
{
    if (status >= 200 && status <= 299)
        return RETRY_CLASS_OK;
    if (status == 408 || status == 425 || status == 429 || status >= 500)
        return RETRY_CLASS_RETRY;
    if (status == 401 || status == 403 || status == 404)
        return RETRY_CLASS_CONFIG;
    if (status == 410)
        return RETRY_CLASS_GONE;
    return RETRY_CLASS_PERMANENT;
}

const char *retry_class_name(enum retry_class class)
{
    switch (class) {
    case RETRY_CLASS_OK: return "ok";
    case RETRY_CLASS_RETRY: return "retry";
    case RETRY_CLASS_CONFIG: return "config";
    case RETRY_CLASS_PERMANENT: return "permanent";
    case RETRY_CLASS_GONE: return "gone";
    }
    panic("retry class %d", (int)class);
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int64_t retry_delay_ms(const struct retry_profile *profile, enum retry_class class,
                       unsigned attempt, int64_t retry_after_s, bool in_budget,
                       struct random *random)
{
    unsigned exponent = attempt < EXPONENT_LIMIT ? attempt : EXPONENT_LIMIT;
    int64_t ladder_ms = smaller(profile->cap_ms, profile->base_ms * (INT64_C(1) << exponent));
    if (class == RETRY_CLASS_CONFIG || class == RETRY_CLASS_GONE)
        ladder_ms = larger(ladder_ms, profile->config_floor_ms);
    int64_t delay_ms = (int64_t)((double)ladder_ms * (0.5 + random_unit(random) / 2));
    if (!in_budget)
        delay_ms *= OVER_BUDGET_FACTOR;
    // After the factor: the delay that the other side requests is never multiplied.
    return larger(delay_ms, smaller(retry_after_s, RETRY_AFTER_LIMIT_S) * 1000);
}

void retry_budget_init(struct retry_budget *budget)
{
    budget->tokens = budget_stock;
}

void retry_budget_fresh(struct retry_budget *budget)
{
    budget->tokens += budget_share;
    if (budget->tokens > budget_stock)
        budget->tokens = budget_stock;
}

bool retry_budget_take(struct retry_budget *budget)
{
    if (budget->tokens < 1)
        return false;
    budget->tokens -= 1;
    return true;
}
