// fold: snapshots are stored as they came and decoded for a scrape: a scrape every 15 s is rarer
// than a snapshot a second from each process, and the encoded bytes are smaller than tables.
#include "metrics-agent/fold.h"

#include "base/heap.h"
#include "base/list.h"
#include "base/panic.h"
#include "wire/telemetry/snapshot.h"

#include <stdlib.h>

enum { NAME_BYTES = 64 };

struct fold_member {
    struct list link;
    char role[NAME_BYTES], slot[NAME_BYTES];
    uint64_t incarnation, started_ms;
    int64_t heard_ms;
    bool has_ended; // it ended normally and said so
    bool is_heard;  // received by this agent, not only read from its state file
    struct buf snapshot;
};

struct fold {
    struct list members;
    size_t count;
    // Counters and histograms of forgotten processes, and the fold's own counters.
    struct metrics *retired;
};

struct merge {
    struct metrics *into;
    bool gauges;
};

// The values that a label may have; NULL if metric_values.def does not list them.
static const char *label_values(enum metric_id id, struct str label)
{
    static const struct {
        enum metric_id id;
        const char *label, *values;
    } rows[] = {
#define VALUES(metric, name, list) {METRIC_##metric, #name, list},
#include "telemetry/metric_values.def"
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (rows[i].id != id || !str_equal(label, str_of(rows[i].label)))
            continue;
        if (strcmp(rows[i].values, "@programs") == 0)
            return "gateway chat-worker sms-worker provisioning-worker metrics-agent simulator";
        return rows[i].values[0] == '@' ? NULL : rows[i].values;
    }
    return NULL;
}

// Makes the series of a counter with one or two labels, one for each combination of their values.
static void counter_begin(struct metrics *metrics, enum metric_id id)
{
    struct str names = str_of(metric_type(id)->labels), first, second;
    struct str left, right, a, b;
    AUTO(buf) one = {0};
    AUTO(buf) other = {0};

    str_cut(names, ' ', &first, &second);
    const char *firsts = label_values(id, first);
    const char *seconds = str_present(second) ? label_values(id, second) : "";
    if (!firsts || !seconds)
        return;
    for (left = str_of(firsts); str_present(left);) {
        str_cut(left, ' ', &a, &left);
        buf_clear(&one);
        buf_str_append(&one, a);
        for (right = str_of(seconds); str_present(right);) {
            str_cut(right, ' ', &b, &right);
            buf_clear(&other);
            buf_str_append(&other, b);
            (void)metrics_series(metrics, id, buf_c_string(&one), buf_c_string(&other));
        }
    }
}

// All counters whose labels are known exist from the start, at 0. Otherwise a rate, and an alert
// that uses it, would not see the first count.
static void zeros_begin(struct metrics *metrics)
{
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        enum metric_id id = (enum metric_id)i;
        if (metric_type(id)->kind == METRIC_GAUGE)
            continue;
        if (metric_label_count(id) == 0)
            (void)metrics_series(metrics, id);
        else if (metric_type(id)->kind == METRIC_COUNTER && metric_label_count(id) <= 2)
            counter_begin(metrics, id);
    }
}

struct fold *fold_new(void)
{
    struct fold *fold = heap_new(sizeof *fold);
    list_init(&fold->members);
    fold->retired = metrics_new();
    zeros_begin(fold->retired);
    return fold;
}

static void member_free(struct fold *fold, struct fold_member *member)
{
    list_remove(&member->link);
    buf_release(&member->snapshot);
    free(member);
    fold->count--;
}

void fold_free(struct fold **fold)
{
    if (!*fold)
        return;
    LIST_EACH (&(*fold)->members, struct fold_member, link, member)
        member_free(*fold, member);
    metrics_free(&(*fold)->retired);
    free(*fold);
    *fold = NULL;
}

static void sample_merge(void *context, const struct metric_sample *sample)
{
    const struct merge *merge = context;

    if (merge->gauges || metric_type(sample->id)->kind != METRIC_GAUGE)
        metrics_merge(merge->into, sample);
}

static void member_merge(const struct fold_member *member, struct metrics *into, bool gauges)
{
    struct merge merge = {.into = into, .gauges = gauges};
    struct snapshot_head head;
    struct err err;

    if (!snapshot_decode(buf_str(&member->snapshot), &head, sample_merge, &merge, &err))
        panic("a snapshot that was read once cannot be read again: %s", err.text);
}

static bool is_place_of(const struct fold_member *member, const struct fold_member *other)
{
    return strcmp(other->role, member->role) == 0 && strcmp(other->slot, member->slot) == 0;
}

static bool is_silent(const struct fold_member *member, int64_t now_ms)
{
    return now_ms - member->heard_ms > FOLD_SILENT_MS;
}

static bool is_replaced(const struct fold *fold, const struct fold_member *member)
{
    LIST_EACH (&fold->members, struct fold_member, link, other)
        if (other->started_ms > member->started_ms && is_place_of(member, other))
            return true;
    return false;
}

static void retire(struct fold *fold, struct fold_member *member)
{
    member_merge(member, fold->retired, false);
    member_free(fold, member);
}

static void retire_the_replaced(struct fold *fold, int64_t now_ms)
{
    LIST_EACH (&fold->members, struct fold_member, link, member)
        if (is_silent(member, now_ms) && is_replaced(fold, member))
            retire(fold, member);
}

static struct fold_member *member_find(const struct fold *fold, const struct snapshot_head *head)
{
    LIST_EACH (&fold->members, struct fold_member, link, member)
        if (member->incarnation == head->incarnation &&
            str_equal(str_of(member->role), head->role) &&
            str_equal(str_of(member->slot), head->slot))
            return member;
    return NULL;
}

// A new process takes the place of the previous one with its role and slot.
static void restart_count(struct fold *fold, const struct fold_member *newcomer)
{
    const struct fold_member *last = NULL;

    LIST_EACH (&fold->members, struct fold_member, link, other)
        if (other != newcomer && is_place_of(newcomer, other) &&
            (!last || other->started_ms > last->started_ms))
            last = other;
    if (last && last->started_ms < newcomer->started_ms)
        metric_add(metrics_series(fold->retired, METRIC_RESTARTS, newcomer->role,
                                  last->has_ended ? "stopped" : "died"),
                   1);
}

// NULL when the table is full of live processes; otherwise the one that has been silent longest is
// removed.
static struct fold_member *member_new(struct fold *fold, const struct snapshot_head *head,
                                      int64_t now_ms)
{
    struct fold_member *member;

    if (fold->count == FOLD_PROCESSES_LIMIT) {
        struct fold_member *longest = LIST_FIRST(&fold->members, struct fold_member, link);
        LIST_EACH (&fold->members, struct fold_member, link, other)
            if (other->heard_ms < longest->heard_ms)
                longest = other;
        if (!is_silent(longest, now_ms))
            return NULL;
        retire(fold, longest);
    }
    member = heap_new(sizeof *member);
    *member =
        (struct fold_member){.incarnation = head->incarnation, .started_ms = head->started_ms};
    memcpy(member->role, head->role.ptr, head->role.len);
    memcpy(member->slot, head->slot.ptr, head->slot.len);
    list_append(&fold->members, &member->link);
    fold->count++;
    return member;
}

static bool take(struct fold *fold, struct str snapshot, int64_t now_ms, bool is_restored,
                 struct err *err)
{
    struct snapshot_head head;

    if (!snapshot_decode(snapshot, &head, NULL, NULL, err))
        return false;
    if (head.role.len >= NAME_BYTES || head.slot.len >= NAME_BYTES)
        return err_set(err, ERR_BAD_INPUT, "snapshot: role or slot is too long");
    struct fold_member *member = member_find(fold, &head);
    if (!member) {
        member = member_new(fold, &head, now_ms);
        if (!member)
            return err_set(err, ERR_BUSY, "more than %d processes", FOLD_PROCESSES_LIMIT);
        if (!is_restored)
            restart_count(fold, member);
    }
    member->heard_ms = now_ms;
    member->has_ended = head.is_last;
    member->is_heard |= !is_restored;
    buf_clear(&member->snapshot);
    buf_str_append(&member->snapshot, snapshot);
    retire_the_replaced(fold, now_ms);
    return true;
}

bool fold_take(struct fold *fold, struct str snapshot, int64_t now_ms, struct err *err)
{
    return take(fold, snapshot, now_ms, false, err);
}

void fold_ended(struct fold *fold, struct str role, struct str slot)
{
    LIST_EACH (&fold->members, struct fold_member, link, member) {
        if (!str_equal(str_of(member->role), role) || !str_equal(str_of(member->slot), slot) ||
            is_replaced(fold, member))
            continue;
        member->has_ended = true;
        snapshot_make_last(&member->snapshot);
    }
}

static void retired_merge(const struct fold *fold, struct metrics *totals)
{
    for (size_t i = 0; i < metrics_count(fold->retired); i++) {
        struct metric_sample sample = metrics_sample(fold->retired, i);
        metrics_merge(totals, &sample);
    }
}

static void own_merge(struct metrics *totals, enum metric_id id, struct str role, struct str slot,
                      double value)
{
    metrics_merge(totals,
                  &(struct metric_sample){.id = id, .labels = {role, slot}, .value = value});
}

// The fold's own metrics about a process that should be running.
static void member_publish(const struct fold_member *member, int64_t now_ms, struct metrics *totals)
{
    int64_t age_ms = now_ms - member->heard_ms;
    struct str role = str_of(member->role), slot = str_of(member->slot);

    // A process that only a previous agent heard may have been removed for good. Otherwise it
    // counts as missing until another process takes its place, without a time limit.
    if (member->is_heard)
        own_merge(totals, METRIC_PROC_TICK_AGE, role, slot, (double)age_ms / 1000);
    if (!is_silent(member, now_ms))
        own_merge(totals, METRIC_PROCESSES, role, slot, 1);
}

void fold_totals(struct fold *fold, int64_t now_ms, struct metrics *totals)
{
    retire_the_replaced(fold, now_ms);
    retired_merge(fold, totals);
    LIST_EACH (&fold->members, struct fold_member, link, member) {
        bool is_there = !member->has_ended && !is_replaced(fold, member);
        member_merge(member, totals, is_there && !is_silent(member, now_ms));
        if (is_there)
            member_publish(member, now_ms, totals);
    }
}

void fold_records(const struct fold *fold, fold_record_fn *record, void *context)
{
    AUTO(buf) retired = {0};

    snapshot_encode(&(struct snapshot_head){.role = STR(""), .slot = STR("")}, fold->retired,
                    &retired);
    record(context, buf_str(&retired));
    LIST_EACH (&fold->members, struct fold_member, link, member)
        record(context, buf_str(&member->snapshot));
}

bool fold_restore(struct fold *fold, struct str snapshot, int64_t now_ms, struct err *err)
{
    struct merge merge = {.into = fold->retired, .gauges = false};
    struct snapshot_head head;

    if (!snapshot_decode(snapshot, &head, NULL, NULL, err))
        return false;
    if (head.role.len > 0)
        return take(fold, snapshot, now_ms, true, err);
    return snapshot_decode(snapshot, &head, sample_merge, &merge, err);
}

static void database_find(void *context, const struct metric_sample *sample)
{
    struct fold_process *process = context;

    if (sample->id != METRIC_DB_READY)
        return;
    process->needs_database = true;
    process->has_database = sample->value > 0;
}

void fold_processes(const struct fold *fold, int64_t now_ms, fold_process_fn *each, void *context)
{
    LIST_EACH (&fold->members, struct fold_member, link, member) {
        struct fold_process process = {.role = str_of(member->role),
                                       .slot = str_of(member->slot),
                                       .silent_ms = now_ms - member->heard_ms,
                                       .has_ended = member->has_ended};
        struct snapshot_head head;
        struct err err;

        if (!member->is_heard || is_replaced(fold, member))
            continue;
        if (!snapshot_decode(buf_str(&member->snapshot), &head, database_find, &process, &err))
            panic("a snapshot that was read once cannot be read again: %s", err.text);
        each(context, &process);
    }
}
