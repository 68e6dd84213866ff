#include "gateway/health.h"

#include "rows.h"

static const struct health_row {
    const char *name;
    bool chat, sms, provisioning; // does a worker of it reach PostgreSQL?
    bool cache;
    enum health_state state;
    bool is_ready;
} health_rows[] = {
    {"all is well", true, true, true, true, HEALTH_GREEN, true},
    {"Redis is down", true, true, true, false, HEALTH_YELLOW, true},
    {"one service is down", true, false, true, true, HEALTH_YELLOW, false},
    {"PostgreSQL is down", false, false, false, true, HEALTH_RED, false},
};

ROWS_TEST(health, follows_from_what_the_workers_reach, health_rows)
{
    const struct bus_worker_view workers[] = {
        {.service = SERVICE_CHAT, .db_ready = row->chat},
        {.service = SERVICE_SMS, .db_ready = row->sms},
        {.service = SERVICE_PROVISIONING, .db_ready = row->provisioning},
    };

    struct health_view view = health_view_of(workers, COUNT_OF(workers), row->cache);

    cr_assert(eq(int, health_state_of(&view), row->state), "%s", row->name);
    cr_assert(eq(int, health_is_ready(&view), row->is_ready), "%s", row->name);
}

Test(health, does_not_count_on_a_worker_that_drains)
{
    const struct bus_worker_view workers[] = {
        {.service = SERVICE_CHAT, .db_ready = true},
        {.service = SERVICE_SMS, .db_ready = true, .draining = true},
        {.service = SERVICE_PROVISIONING, .db_ready = true},
    };

    struct health_view view = health_view_of(workers, COUNT_OF(workers), true);

    cr_assert(not(health_is_ready(&view)));
    cr_assert(eq(int, health_state_of(&view), HEALTH_YELLOW));
}

Test(health, is_red_when_nobody_is_there)
{
    struct health_view view = health_view_of(NULL, 0, true);

    cr_assert(eq(int, health_state_of(&view), HEALTH_RED));
}
