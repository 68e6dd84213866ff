// stored_proof: see the header.
#include "sms-worker/proofs/stored_proof.h"

#include "base/clock.h"
#include "base/heap.h"
#include "base/list.h"
#include "io/zlib/gunzip.h"
#include "secrets/signature.h"
#include "service/service.h"
#include "service/tasks/task.h"
#include "store/statements.h"

#include <stdlib.h>

enum { CHECKS_AT_ONCE = 4 }; // each has four pieces of 48 KiB in memory

struct check {
    struct list link; // while it waits
    struct stored_proofs *all;
    struct task *task;
    struct signature_check *as_it_came, *inflated; // inflated NULL: it is not compressed
    struct gunzip *gunzip;
    bool
        is_broken; // it cannot be inflated as declared; then only the signature of the bytes as they came is possible
    int32_t next; // piece
    uint64_t bytes;
    stored_judged_fn *told;
};

struct stored_proofs {
    struct list waiting; // oldest first; bounded by the credit that gateways have
    size_t out;
};

static void pieces_came(void *context, const struct pg_result *result, const struct err *err);

struct stored_proofs *stored_proofs_new(void)
{
    struct stored_proofs *all = heap_new(sizeof *all);
    list_init(&all->waiting);
    return all;
}

void stored_proofs_free(struct stored_proofs **all)
{
    free(*all);
    *all = NULL;
}

static void pieces_ask(struct check *check)
{
    struct pg_params params;

    BIND(&params, UPLOAD_READ, .tenant = (int32_t)task_tenant(check->task),
         .upload = check->task->envelope.proof.stored, .number = check->next);
    pg_call(service_pg(check->task->service), &params, pieces_came, check);
}

static void checks_begin(struct stored_proofs *all)
{
    while (all->out < CHECKS_AT_ONCE && !list_is_empty(&all->waiting)) {
        struct check *check = LIST_FIRST(&all->waiting, struct check, link);
        list_remove(&check->link);
        all->out++;
        pieces_ask(check);
    }
}

void stored_proof_check(struct stored_proofs *all, struct task *task, const struct str *secrets,
                        size_t count, stored_judged_fn *told)
{
    const struct proof *proof = &task->envelope.proof;
    struct check *check = heap_new(sizeof *check);
    *check = (struct check){.all = all,
                            .task = task,
                            .as_it_came = signature_check_new(proof, secrets, count),
                            .told = told};
    if (proof->packing != PROOF_PLAIN) {
        check->inflated = signature_check_new(proof, secrets, count);
        check->gunzip = gunzip_new(proof->packing == PROOF_DEFLATE);
    }
    list_append(&all->waiting, &check->link);
    checks_begin(all);
}

// ---- a few pieces arrive

static bool inflated_take(void *context, struct str bytes, struct err *err)
{
    struct check *check = context;

    (void)err;
    signature_check_add(check->inflated, bytes);
    return true; // the gateway has bounded what comes out
}

static void piece_add(struct check *check, struct str bytes)
{
    struct err err;

    check->bytes += bytes.len;
    signature_check_add(check->as_it_came, bytes);
    if (check->gunzip && !check->is_broken)
        check->is_broken = !gunzip_feed(check->gunzip, bytes, inflated_take, check, &err);
}

static void check_end(struct check *check, enum stored_verdict verdict)
{
    struct stored_proofs *all = check->all;

    signature_check_free(&check->as_it_came);
    signature_check_free(&check->inflated);
    gunzip_free(&check->gunzip);
    check->told(check->task, verdict);
    free(check);
    all->out--;
    checks_begin(all);
}

static enum stored_verdict judge(struct check *check)
{
    const struct proof *proof = &check->task->envelope.proof;
    int64_t now_s = clock_unix_us() / 1000000;
    bool holds = signature_check_end(&check->as_it_came, proof, now_s);

    if (check->inflated)
        holds |= signature_check_end(&check->inflated, proof, now_s) && !check->is_broken;
    return holds ? STORED_RIGHT : STORED_WRONG;
}

static void pieces_came(void *context, const struct pg_result *result, const struct err *err)
{
    struct check *check = context;
    uint64_t wanted = check->task->envelope.proof.stored_bytes;

    for (size_t row = 0; !err && row < pg_rows(result); row++, check->next++)
        piece_add(check, GET(result, row, UPLOAD_READ, upload_read));
    if (err || check->bytes > wanted || (check->bytes < wanted && pg_rows(result) == 0))
        check_end(check,
                  STORED_UNREADABLE); // a piece is missing: its commit did not wait for the disk
    else if (check->bytes < wanted)
        pieces_ask(check);
    else
        check_end(check, judge(check));
}
