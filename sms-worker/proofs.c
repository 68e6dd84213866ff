// proofs: task → nothing to prove, or secrets remembered, or asked for → judged → its batch, or 401.
#include "sms-worker/proofs.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "base/panic.h"
#include "io/crypto.h"
#include "service/task.h"
#include "sms-worker/sms_worker.h"
#include "sms-worker/stored_proof.h"
#include "store/keyring.h"
#include "store/secret.h"
#include "store/signature.h"
#include "store/statements.h"

#include <stdlib.h>

enum { NUMBERS_LIMIT = 1000, REMEMBERED_MS = 5000, SECRETS_LIMIT = 64, ID_LIMIT = 64 };

// What a number's requests may be signed with, remembered.
struct number {
    struct list link;
    char id[ID_LIMIT]; // tenant and number
    size_t id_length;
    uint32_t tenant;
    int64_t learned_ms;
    struct buf bytes; // the secrets, one behind the other
    struct str secrets[SECRETS_LIMIT];
    size_t count;
};

struct proofs {
    struct keyring *ring;
    struct stored_proofs *stored;
    struct map *numbers; // struct number by id
    struct list by_age;  // the one learned first in front
    uint64_t forgot;     // how often something was
};

// A task that waits for the secrets of its number.
struct asking {
    struct task *task;
    uint64_t forgot; // as proofs had it
};

struct proofs *proofs_new(struct keyring *ring)
{
    struct proofs *proofs = calloc(1, sizeof *proofs);

    if (!proofs)
        panic("out of memory");
    proofs->ring = ring;
    proofs->stored = stored_proofs_new();
    proofs->numbers = map_new();
    list_init(&proofs->by_age);
    return proofs;
}

static struct str id_of(const struct number *number)
{
    return str_make(number->id, number->id_length);
}

static void number_free(struct number *number)
{
    crypto_forget(number->bytes.data, number->bytes.len);
    buf_release(&number->bytes);
    free(number);
}

static void number_drop(struct proofs *proofs, struct number *number)
{
    map_remove(proofs->numbers, id_of(number));
    list_remove(&number->link);
    number_free(number);
}

void proofs_free(struct proofs **proofs)
{
    if (!*proofs)
        return;
    proofs_forget(*proofs, STR_ABSENT);
    map_free(&(*proofs)->numbers);
    stored_proofs_free(&(*proofs)->stored);
    free(*proofs);
    *proofs = NULL;
}

void proofs_forget(struct proofs *proofs, struct str tenant)
{
    int64_t one = 0;
    bool is_one = str_present(tenant) && str_to_int(tenant, 1, UINT32_MAX, &one);

    proofs->forgot++;
    LIST_EACH (&proofs->by_age, struct number, link, number)
        if (!is_one || number->tenant == (uint32_t)one)
            number_drop(proofs, number);
}

// ---- what is known of a number

// Only these two come with a proof (gateway/route.h, route_is_signed).
static struct str number_named(const struct task *task)
{
    if (task->envelope.message == MSG_SMS_RECEIPT)
        return ((const struct msg_sms_receipt *)task->message)->shortcode;
    ASSERT(task->envelope.message == MSG_SMS_INBOUND);
    return ((const struct msg_sms_inbound *)task->message)->shortcode;
}

static void id_write(struct number *number, uint32_t tenant, struct str address)
{
    ASSERT(address.len <= ID_LIMIT - sizeof tenant);
    number->tenant = tenant;
    memcpy(number->id, &tenant, sizeof tenant);
    if (address.len > 0)
        memcpy(number->id + sizeof tenant, address.ptr, address.len);
    number->id_length = sizeof tenant + address.len;
}

static struct number *number_known(struct proofs *proofs, const struct task *task)
{
    struct number asked;

    id_write(&asked, task_tenant(task), number_named(task));
    struct number *number = map_get(proofs->numbers, id_of(&asked));
    if (number && clock_monotonic_ms() - number->learned_ms > REMEMBERED_MS) {
        number_drop(proofs, number);
        number = NULL;
    }
    return number;
}

static void number_remember(struct proofs *proofs, struct number *number)
{
    struct number *before = map_get(proofs->numbers, id_of(number));

    if (before)
        number_drop(proofs, before);
    if (map_count(proofs->numbers) >= NUMBERS_LIMIT)
        number_drop(proofs, LIST_FIRST(&proofs->by_age, struct number, link));
    map_put(proofs->numbers, id_of(number), number);
    list_append(&proofs->by_age, &number->link);
}

// The secrets of one of its numbers, which are sealed, one a line.
static bool secrets_open(struct proofs *proofs, struct number *number, struct str ccid,
                         struct str address, struct str sealed, size_t *offsets, struct err *err)
{
    AUTO(buf) aad = {0};
    struct str one;

    secret_aad(&aad, ccid, address, "api");
    while (str_present(sealed) && number->count < SECRETS_LIMIT) {
        str_cut(sealed, '\n', &one, &sealed);
        offsets[number->count] = number->bytes.len;
        if (!keyring_open(proofs->ring, buf_str(&aad), one, &number->bytes, err))
            return err_in(err, "api.secret");
        number->secrets[number->count].len = number->bytes.len - offsets[number->count];
        number->count++;
    }
    return true;
}

static bool number_read(struct proofs *proofs, struct number *number,
                        const struct pg_result *result, struct err *err)
{
    enum { CCID, ADDRESS, SECRETS };
    size_t offsets[SECRETS_LIMIT];

    for (size_t row = 0; row < pg_rows(result); row++)
        if (!secrets_open(proofs, number, pg_get_text(result, row, CCID),
                          pg_get_text(result, row, ADDRESS), pg_get_text(result, row, SECRETS),
                          offsets, err))
            return false;
    for (size_t i = 0; i < number->count; i++)
        number->secrets[i].ptr = number->bytes.data + offsets[i];
    return true;
}

// ---- judging

static bool is_good(const struct number *number, const struct proof *proof)
{
    if (number->count == 0)
        return true;
    if (!proof_is_shown(proof))
        return !proof->is_demanded;
    return signature_holds(proof, number->secrets, number->count, clock_unix_us() / 1000000);
}

// The same words whatever is wrong.
static void judge(struct task *task, const struct number *number)
{
    const struct proof *proof = &task->envelope.proof;
    struct err err;

    if (is_good(number, proof)) {
        task_batch(task);
        return;
    }
    err_set(&err, ERR_UNAUTHENTICATED, "the number wants it signed with its api.secret");
    task_fail(task, &err);
}

static void stored_told(struct task *task, enum stored_verdict verdict)
{
    struct err err;

    if (verdict == STORED_RIGHT) {
        task_batch(task);
        return;
    }
    if (verdict == STORED_WRONG)
        err_set(&err, ERR_UNAUTHENTICATED, "the number wants it signed with its api.secret");
    else // nothing was written yet
        err_set(&err, ERR_UNAVAILABLE, "what was signed cannot be read now");
    task_fail(task, &err);
}

// One whose body is stored is judged once it was read, all others at once.
static void judge_any(struct proofs *proofs, struct task *task, const struct number *number)
{
    const struct proof *proof = &task->envelope.proof;

    if (id_is_none(proof->stored)) {
        judge(task, number);
    } else if (number->count > 0 && !proof->is_partial) {
        stored_proof_check(proofs->stored, task, number->secrets, number->count, stored_told);
    } else {
        stored_proof_drop(task);
        judge(task, number);
    }
}

static void secrets_came(void *context, const struct pg_result *result, const struct err *err)
{
    struct asking *asking = context;
    struct task *task = asking->task;
    struct proofs *proofs = sms_worker_of(task->service)->proofs;
    struct err fault;

    if (err) {
        // Nothing was written yet, whatever became of the question.
        err_set(&fault, ERR_UNAVAILABLE, "the number's secrets cannot be read now");
        task_fail(task, &fault);
        return;
    }
    struct number *number = calloc(1, sizeof *number);
    if (!number)
        panic("out of memory: a number's secrets");
    id_write(number, task_tenant(task), number_named(task));
    number->learned_ms = clock_monotonic_ms();
    if (!number_read(proofs, number, result, &fault)) {
        LOG_ERROR("proofs.unreadable", LOG_TENANT(number->tenant), LOG_ERR(&fault));
        err_set(&fault, ERR_UNAVAILABLE, "the number's secrets cannot be read now");
        number_free(number);
        task_fail(task, &fault);
        return;
    }
    // What changed while the answer was on its way may not be in it.
    bool is_sure = asking->forgot == proofs->forgot;
    if (is_sure)
        number_remember(proofs, number);
    judge_any(proofs, task, number);
    if (!is_sure)
        number_free(number);
}

static void secrets_ask(struct proofs *proofs, struct task *task)
{
    struct asking *asking = ARENA_ALLOC(task->arena, struct asking);
    struct pg_params params;

    *asking = (struct asking){.task = task, .forgot = proofs->forgot};
    pg_params_init(&params);
    pg_int4(&params, (int32_t)task_tenant(task));
    pg_text(&params, number_named(task));
    pg_call(service_pg(task->service), STATEMENT_CHANNEL_SECRETS, &params, secrets_came, asking);
}

void proofs_check(struct task *task)
{
    struct proofs *proofs = sms_worker_of(task->service)->proofs;
    const struct proof *proof = &task->envelope.proof;

    if (!proof_is_shown(proof) && !proof->is_demanded) {
        task_batch(task);
        return;
    }
    const struct number *number = number_known(proofs, task);
    if (number && id_is_none(proof->stored) && is_good(number, proof))
        task_batch(task);
    else
        secrets_ask(proofs, task);
}
