#include "gateway/health/health.h"

#include "rows.h"

// The state of each process, and the health that the gateway reports.
// clang-format off
enum worker { AWAY, LEAVES, NO_DB, SERVES, STUCK, FULL, UNREAD };

static const struct health_row {
    const char *name;
    enum worker chat, sms, provisioning;
    bool cache, draining;
    enum health_state state;
    bool is_ready;
    const char *reason; // the first; NULL: none
} health_rows[] = {
    //                              chat    sms     prov.   cache  drain  state          ready  why
    {"everything is up",            SERVES, SERVES, SERVES, true,  false, HEALTH_GREEN,  true,  NULL},
    {"PostgreSQL is down",          NO_DB,  NO_DB,  NO_DB,  true,  false, HEALTH_RED,    false, "no worker reaches PostgreSQL"},
    {"Redis is down",               SERVES, SERVES, SERVES, false, false, HEALTH_YELLOW, true,  "Redis does not answer"},
    {"both are down",               NO_DB,  NO_DB,  NO_DB,  false, false, HEALTH_RED,    false, "no worker reaches PostgreSQL"},
    {"no chat-worker",              AWAY,   SERVES, SERVES, true,  false, HEALTH_YELLOW, true,  "no chat-worker takes requests"},
    {"no sms-worker",               SERVES, AWAY,   SERVES, true,  false, HEALTH_YELLOW, true,  "no sms-worker takes requests"},
    {"no provisioning-worker",      SERVES, SERVES, AWAY,   true,  false, HEALTH_YELLOW, true,  "no provisioning-worker takes requests"},
    {"one service without its database", SERVES, NO_DB, SERVES, true, false, HEALTH_YELLOW, true, "no sms-worker takes requests"},
    {"the last sms-worker leaves",  SERVES, LEAVES, SERVES, true,  false, HEALTH_YELLOW, true,  "no sms-worker takes requests"},
    {"all workers leave",           LEAVES, LEAVES, LEAVES, true,  false, HEALTH_RED,    false, "no chat-worker takes requests"},
    {"no worker at all",            AWAY,   AWAY,   AWAY,   true,  false, HEALTH_RED,    false, "no worker reaches PostgreSQL"},
    {"this gateway drains",         SERVES, SERVES, SERVES, true,  true,  HEALTH_YELLOW, false, "this gateway drains"},
    {"no writes commit",            STUCK,  STUCK,  STUCK,  true,  false, HEALTH_RED,    false, "writes to PostgreSQL do not commit"},
    {"a service's writes do not commit", SERVES, STUCK, SERVES, true, false, HEALTH_RED, true,   "writes to PostgreSQL do not commit"},
    {"the disk is full for one that writes", SERVES, FULL, SERVES, true, false, HEALTH_RED, false, "PostgreSQL has no disk space left"},
    {"a worker's log is not read",  SERVES, UNREAD, SERVES, true, false, HEALTH_YELLOW, true,  "the log of a process is not read"},
    {"PostgreSQL down while draining", NO_DB, NO_DB, NO_DB, true,  true,  HEALTH_RED,    false, "no worker reaches PostgreSQL"},
};
// clang-format on

static struct health_view view_of(const struct health_row *row)
{
    const enum worker workers[] = {row->chat, row->sms, row->provisioning};
    struct bus_worker_view views[SERVICE_COUNT];
    size_t count = 0;

    for (size_t i = 0; i < SERVICE_COUNT; i++) {
        if (workers[i] == AWAY)
            continue;
        struct bus_worker_view *view = &views[count++];
        *view = (struct bus_worker_view){.service = (enum service_id)i,
                                         .db_ready = workers[i] != NO_DB,
                                         .draining = workers[i] == LEAVES};
        if (workers[i] == STUCK)
            health_reasons_add(&view->reasons, HEALTH_DB_STUCK, NULL);
        if (workers[i] == FULL)
            health_reasons_add(&view->reasons, HEALTH_DB_FULL, NULL);
        if (workers[i] == UNREAD)
            health_reasons_add(&view->reasons, HEALTH_LOG_STUCK, NULL);
    }
    return health_view_of(
        views, count,
        &(struct health_facts){.cache = row->cache ? HEALTH_CACHE_READY : HEALTH_CACHE_AWAY,
                               .draining = row->draining});
}

ROWS_TEST(health, follows_from_the_state_of_the_workers, health_rows)
{
    struct health_view view = view_of(row);
    struct health health = {.settled = true};
    AUTO(buf) first = {0};

    cr_assert(eq(int, health_state_of(&view), row->state), "%s", row->name);
    cr_assert(eq(int, health_look(&health, &view, 0), row->is_ready), "%s", row->name);
    cr_assert(eq(int, view.reason_count > 0, row->reason != NULL), "%s", row->name);
    if (!row->reason)
        return;
    health_reason_text(&view.reasons[0], &first);
    cr_assert(str_equal(buf_str(&first), str_of(row->reason)), "%s: %s", row->name,
              buf_c_string(&first));
}

Test(health, the_only_worker_that_does_not_reach_the_database_is_named)
{
    struct bus_worker_view workers[SERVICE_COUNT + 1];
    AUTO(buf) text = {0};

    for (size_t i = 0; i < SERVICE_COUNT; i++)
        workers[i] = (struct bus_worker_view){
            .service = (enum service_id)i, .instance = STR("one"), .db_ready = true};
    workers[SERVICE_COUNT] =
        (struct bus_worker_view){.service = SERVICE_SMS, .instance = STR("sms-worker-1")};
    struct health_view view = health_view_of(workers, SERVICE_COUNT + 1,
                                             &(struct health_facts){.cache = HEALTH_CACHE_READY});

    cr_assert(eq(int, health_state_of(&view), HEALTH_YELLOW));
    cr_assert(eq(sz, view.reason_count, 1));
    health_reason_text(&view.reasons[0], &text);
    cr_assert(
        str_equal(buf_str(&text), STR("sms-worker-1 does not reach PostgreSQL, though others do")));
    workers[SERVICE_COUNT].draining = true;
    view = health_view_of(workers, SERVICE_COUNT + 1,
                          &(struct health_facts){.cache = HEALTH_CACHE_READY});
    cr_assert(eq(int, health_state_of(&view), HEALTH_GREEN),
              "a draining worker may disconnect first");
}

static const struct health_view all = {.can_write = {true, true, true}, .database = true},
                                some = {.can_write = {true, false, false}, .database = true},
                                none = {.database = false};

Test(health, a_new_gateway_waits_for_a_worker_of_each_service)
{
    struct health health = {.started_ms = 5000};

    cr_assert(not(health_look(&health, &some, 5001)));
    cr_assert(not(health.was_ready));
    cr_assert(health_look(&health, &all, 5002));
    cr_assert(health.was_ready);
    cr_assert(health_look(&health, &some, 5003), "from now on some are enough");
}

Test(health, a_new_gateway_does_not_wait_forever)
{
    struct health health = {.started_ms = 5000};

    cr_assert(not(health_look(&health, &some, 5000 + HEALTH_SETTLE_MS - 1)));
    cr_assert(health_look(&health, &some, 5000 + HEALTH_SETTLE_MS));
    cr_assert(health.was_ready);
}

Test(health, a_gateway_without_workers_has_not_started)
{
    struct health health = {0};

    cr_assert(not(health_look(&health, &none, 2 * HEALTH_SETTLE_MS)));
    cr_assert(not(health.was_ready));
}

Test(health, a_gateway_that_has_started_stays_started)
{
    struct health health = {0};
    cr_assert(health_look(&health, &all, 0));

    cr_assert(not(health_look(&health, &none, 1)));

    cr_assert(health.was_ready);
}
