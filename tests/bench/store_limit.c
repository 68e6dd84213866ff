// store_limit: how many inbound messages per second PostgreSQL stores with the statement that
// sms-worker runs and nothing else. The bench compares the whole system with this.
//
//   store_limit PG_URL TENANT NUMBER [SECONDS=5] [BATCH=200] [CONNECTIONS=2] [PHONES=20000]
//
// Prints one JSON line: rows, seconds, rows per second.
#include "base/arena.h"
#include "base/clock.h"
#include "base/panic.h"
#include "base/random.h"
#include "io/pg/pg.h"
#include "store/statements.h"

#include <stdio.h>
#include <stdlib.h>

struct run {
    struct pg *pg;
    int32_t tenant;
    struct str number;
    int64_t batch, phones;
    int64_t ends_ms;
    uint64_t rows;
    unsigned lanes_busy;
    struct random random;
};

struct lane {
    struct run *run;
    uint64_t index; // each lane has its own phones, like the lanes of the batcher
};

static void lane_next(struct lane *lane);

static void committed(void *context, const struct pg_result *result, const struct err *err)
{
    struct lane *lane = context;
    struct run *run = lane->run;

    if (err)
        die("store_limit: %s", err->text);
    run->rows += pg_rows(result);
    run->lanes_busy--;
    if (clock_monotonic_ms() < run->ends_ms)
        lane_next(lane);
    else if (run->lanes_busy == 0)
        pg_close(&run->pg);
}

// A text that differs from row to row: prefix and a number below limit.
static struct str some_text(struct arena *arena, struct run *run, const char *prefix,
                            uint64_t limit)
{
    return arena_printf(arena, "%s%06llu", prefix,
                        (unsigned long long)random_below(&run->random, limit));
}

// sms-worker derives ids from names; to PostgreSQL they are like random ones.
static struct id some_id(struct run *run)
{
    uint64_t halves[2] = {random_next(&run->random), random_next(&run->random)};
    struct id id;

    memcpy(id.bytes, halves, sizeof id.bytes);
    return id;
}

static void lane_next(struct lane *lane)
{
    struct run *run = lane->run;
    struct arena *arena = arena_new();
    size_t count = (size_t)run->batch;
    struct row_SMS_ACCEPT *rows = ARENA_ARRAY(arena, struct row_SMS_ACCEPT, count);
    struct pg_params params;
    char prefix[32];

    snprintf(prefix, sizeof prefix, "+1650%llu", (unsigned long long)lane->index);
    for (size_t i = 0; i < count; i++)
        rows[i] = (struct row_SMS_ACCEPT){
            .tenants = run->tenant,
            .numbers = run->number,
            .ids = some_id(run),
            .externals = some_text(arena, run, "mo-", UINT64_MAX),
            .addresses = some_text(arena, run, prefix, (uint64_t)run->phones),
            .bodies = STR("Is my parcel on its way? I am at home until five o'clock."),
            .conversations = id_new(),
            .traces = STR("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
            .keys = STR("ismyparcelonitswayiamathomeuntilfiveoclock"),
        };
    BIND_ROWS(&params, SMS_ACCEPT, rows, count);
    arena_free(&arena);
    run->lanes_busy++;
    pg_call(run->pg, &params, committed, lane);
}

enum { CONNECTIONS_MAX = 16 };

static int64_t argument(int argc, char **argv, int index, int64_t fallback)
{
    int64_t value = fallback;
    if (index < argc && !str_to_int(str_of(argv[index]), 1, 1000000000, &value))
        die("store_limit: argument %d is not a positive number", index);
    return value;
}

int main(int argc, char **argv)
{
    if (argc < 4)
        die("usage: store_limit PG_URL TENANT NUMBER [SECONDS] [BATCH] [CONNECTIONS] [PHONES]");

    uv_loop_t *loop = uv_default_loop();
    int64_t seconds = argument(argc, argv, 4, 5), connections = argument(argc, argv, 6, 2);
    if (connections > CONNECTIONS_MAX)
        die("store_limit: CONNECTIONS must be 1 to %d", CONNECTIONS_MAX);
    struct run run = {
        .tenant = (int32_t)argument(argc, argv, 2, 1),
        .number = str_of(argv[3]),
        .batch = argument(argc, argv, 5, 200),
        .phones = argument(argc, argv, 7, 20000),
    };
    random_bytes(&run.random, sizeof run.random);
    run.pg = pg_new(loop,
                    &(struct pg_options){.url = argv[1],
                                         .application = "store_limit",
                                         .connections = (unsigned)connections,
                                         .waiting_limit = 1000},
                    statements, STATEMENT_LIMIT);
    while (pg_counts(run.pg).connected < (unsigned)connections)
        uv_run(loop, UV_RUN_ONCE);

    int64_t begin = clock_monotonic_us();
    run.ends_ms = begin / 1000 + seconds * 1000;
    struct lane lanes[CONNECTIONS_MAX];
    for (int64_t i = 0; i < connections; i++) {
        lanes[i] = (struct lane){.run = &run, .index = (uint64_t)i};
        lane_next(&lanes[i]);
    }
    uv_run(loop, UV_RUN_DEFAULT);
    double took = (double)(clock_monotonic_us() - begin) / 1e6;
    printf("{\"rows\":%llu,\"seconds\":%.2f,\"perSecond\":%.0f}\n", (unsigned long long)run.rows,
           took, (double)run.rows / took);
    return 0;
}
