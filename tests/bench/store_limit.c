// store_limit: how many inbound messages a second PostgreSQL takes through the very statement that
// sms-worker runs, with nothing else in the way. The bench compares the whole system with this.
//
//   store_limit PG_URL TENANT NUMBER [SECONDS=5] [BATCH=200] [CONNECTIONS=2] [PHONES=20000]
//
// Prints one JSON line: rows, seconds, rows per second.
#include "base/clock.h"
#include "base/panic.h"
#include "base/random.h"
#include "io/pg.h"
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
    uint64_t index; // each lane has phones of its own, as the batcher's lanes have
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

// One parameter: an array of batch times the same text.
static void same_text(struct pg_params *params, const struct run *run, struct str text)
{
    pg_array(params, PG_ELEMENT_TEXT, (size_t)run->batch);
    for (int64_t i = 0; i < run->batch; i++)
        pg_add_text(params, text);
}

static void same_zero(struct pg_params *params, const struct run *run)
{
    pg_array(params, PG_ELEMENT_INT2, (size_t)run->batch);
    for (int64_t i = 0; i < run->batch; i++)
        pg_add_int2(params, 0);
}

// A text that differs from row to row: prefix and a number below limit.
static void some_text(struct pg_params *params, struct run *run, const char *prefix, uint64_t limit)
{
    char text[64];

    pg_array(params, PG_ELEMENT_TEXT, (size_t)run->batch);
    for (int64_t i = 0; i < run->batch; i++) {
        int length = snprintf(text, sizeof text, "%s%06llu", prefix,
                              (unsigned long long)random_below(&run->random, limit));
        pg_add_text(params, str_make(text, (size_t)length));
    }
}

static void new_ids(struct pg_params *params, const struct run *run)
{
    pg_array(params, PG_ELEMENT_UUID, (size_t)run->batch);
    for (int64_t i = 0; i < run->batch; i++)
        pg_add_id(params, id_new());
}

// Name-based ids are as good as random.
static void name_ids(struct pg_params *params, struct run *run)
{
    pg_array(params, PG_ELEMENT_UUID, (size_t)run->batch);
    for (int64_t i = 0; i < run->batch; i++) {
        uint64_t halves[2] = {random_next(&run->random), random_next(&run->random)};
        struct id id;
        memcpy(id.bytes, halves, sizeof id.bytes);
        pg_add_id(params, id);
    }
}

static void lane_next(struct lane *lane)
{
    struct run *run = lane->run;
    struct pg_params params;
    char prefix[32];

    snprintf(prefix, sizeof prefix, "+1650%llu", (unsigned long long)lane->index);
    pg_params_init(&params);
    pg_array(&params, PG_ELEMENT_INT4, (size_t)run->batch);
    for (int64_t i = 0; i < run->batch; i++)
        pg_add_int4(&params, run->tenant);
    same_text(&params, run, run->number);
    name_ids(&params, run);
    some_text(&params, run, "mo-", UINT64_MAX);
    some_text(&params, run, prefix, (uint64_t)run->phones);
    same_text(&params, run, STR("Is my parcel on its way? I am at home until five o'clock."));
    new_ids(&params, run);
    same_text(&params, run, STR_ABSENT); // no attachments
    same_text(&params, run, STR_ABSENT); // no parts: reference, total, part
    same_zero(&params, run);
    same_zero(&params, run);
    same_text(&params, run, STR("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
    same_text(&params, run, STR("ismyparcelonitswayiamathomeuntilfiveoclock"));
    run->lanes_busy++;
    pg_call(run->pg, STATEMENT_SMS_ACCEPT, &params, committed, lane);
}

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
    struct lane lanes[16];
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
