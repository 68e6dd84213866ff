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

enum { NUMBERS_LIMIT = 1000, REMEMBERED_MS = 5000, ID_LIMIT = 64 };

// What a request may be signed with; where it names a number of the contact center, remembered.
struct number {
    struct list link;
    char id[ID_LIMIT]; // tenant and number
    size_t id_length;
    uint32_t tenant;
    int64_t learned_ms;
    bool is_cut;      // the contact center has more numbers than were asked for
    struct buf bytes; // the secrets, one behind the other
    size_t count;
    struct str secrets[];
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

// A text names no message of ours.
static struct str message_meant(const struct task *task)
{
    return task->envelope.message == MSG_SMS_RECEIPT
               ? ((const struct msg_sms_receipt *)task->message)->message_id
               : STR_ABSENT;
}

// As it is known in the map.
static size_t id_write(char id[ID_LIMIT], uint32_t tenant, struct str address)
{
    ASSERT(address.len <= ID_LIMIT - sizeof tenant);
    memcpy(id, &tenant, sizeof tenant);
    if (address.len > 0)
        memcpy(id + sizeof tenant, address.ptr, address.len);
    return sizeof tenant + address.len;
}

static struct number *number_new(const struct task *task, size_t secrets)
{
    struct number *number = calloc(1, sizeof *number + secrets * sizeof number->secrets[0]);

    if (!number)
        panic("out of memory: a number's secrets");
    number->tenant = task_tenant(task);
    number->id_length = id_write(number->id, number->tenant, number_named(task));
    number->learned_ms = clock_monotonic_ms();
    return number;
}

static struct number *number_known(struct proofs *proofs, const struct task *task)
{
    char id[ID_LIMIT];
    size_t length = id_write(id, task_tenant(task), number_named(task));
    struct number *number = map_get(proofs->numbers, str_make(id, length));

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

// ---- what PostgreSQL says of it: proof_secrets() in db/functions/channel.sql

enum { ROW_CCID, ROW_ADDRESS, ROW_SECRETS, ROW_ABOUT };
enum { ABOUT_ITS_NUMBER = 1, ABOUT_ITS_MESSAGE = 2, ABOUT_ANY = 3 };
// Each costs an HMAC over the body, and nobody else's request is judged meanwhile.
enum { ANY_LIMIT = 64 };

static size_t rows_secrets(const struct pg_result *result)
{
    size_t count = 0;

    for (size_t row = 0; row < pg_rows(result); row++) {
        struct str one, sealed = pg_get_text(result, row, ROW_SECRETS);
        while (str_present(sealed)) {
            str_cut(sealed, '\n', &one, &sealed);
            count++;
        }
    }
    return count;
}

// The secrets of one row, which are sealed, one a line.
static bool secrets_open(struct proofs *proofs, struct number *number,
                         const struct pg_result *result, size_t row, struct err *err)
{
    AUTO(buf) aad = {0};
    struct str one, sealed = pg_get_text(result, row, ROW_SECRETS);

    secret_aad(&aad, pg_get_text(result, row, ROW_CCID), pg_get_text(result, row, ROW_ADDRESS),
               "api");
    while (str_present(sealed)) {
        size_t before = number->bytes.len;
        str_cut(sealed, '\n', &one, &sealed);
        if (!keyring_open(proofs->ring, buf_str(&aad), one, &number->bytes, err))
            return err_in(err, "api.secret");
        number->secrets[number->count++].len = number->bytes.len - before;
    }
    return true;
}

static bool number_read(struct proofs *proofs, struct number *number,
                        const struct pg_result *result, struct err *err)
{
    size_t offset = 0;

    for (size_t row = 0; row < pg_rows(result); row++) {
        number->is_cut |= row >= ANY_LIMIT;
        if (row < ANY_LIMIT && !secrets_open(proofs, number, result, row, err))
            return false;
    }
    for (size_t i = 0; i < number->count; i++) {
        number->secrets[i].ptr = number->bytes.data + offset;
        offset += number->secrets[i].len;
    }
    return true;
}

// Of one that names no number the message may become known, so the next one like it may have another answer; unless the
// contact center has no secret at all.
static bool rows_may_be_remembered(const struct pg_result *result)
{
    return pg_rows(result) == 0 || pg_get_int2(result, 0, ROW_ABOUT) == ABOUT_ITS_NUMBER;
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

// The same words whatever is wrong. Where not all secrets were tried, nobody knows whether it is: a receipt whose message is
// known later is judged by that alone, so its sender tries again. A text is about no number of ours then, whoever signed it.
static void refuse(struct task *task, bool is_cut)
{
    struct err err;

    if (is_cut && task->envelope.message == MSG_SMS_RECEIPT)
        err_set(&err, ERR_UNAVAILABLE,
                "no such message is known yet, so nobody knows which number's secret signs it: "
                "name the number, or send it again");
    else
        err_set(&err, ERR_UNAUTHENTICATED, "the number wants it signed with its api.secret");
    task_fail(task, &err);
}

static void judge(struct task *task, const struct number *number)
{
    if (is_good(number, &task->envelope.proof))
        task_batch(task);
    else
        refuse(task, number->is_cut);
}

static void stored_judge(struct task *task, bool is_cut, enum stored_verdict verdict)
{
    struct err err;

    if (verdict == STORED_RIGHT) {
        task_batch(task);
    } else if (verdict == STORED_WRONG) {
        refuse(task, is_cut);
    } else { // nothing was written yet
        err_set(&err, ERR_UNAVAILABLE, "what was signed cannot be read now");
        task_fail(task, &err);
    }
}

static void stored_told(struct task *task, enum stored_verdict verdict)
{
    stored_judge(task, false, verdict);
}

static void stored_told_of_some(struct task *task, enum stored_verdict verdict)
{
    stored_judge(task, true, verdict);
}

// One whose body is stored is judged once it was read, all others at once.
static void judge_any(struct proofs *proofs, struct task *task, const struct number *number)
{
    const struct proof *proof = &task->envelope.proof;

    if (id_is_none(proof->stored)) {
        judge(task, number);
    } else if (number->count > 0 && !proof->is_partial) {
        stored_proof_check(proofs->stored, task, number->secrets, number->count,
                           number->is_cut ? stored_told_of_some : stored_told);
    } else {
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
    struct number *number = number_new(task, rows_secrets(result));
    if (!number_read(proofs, number, result, &fault)) {
        LOG_ERROR("proofs.unreadable", LOG_TENANT(number->tenant), LOG_ERR(&fault));
        err_set(&fault, ERR_UNAVAILABLE, "the number's secrets cannot be read now");
        number_free(number);
        task_fail(task, &fault);
        return;
    }
    // What changed while the answer was on its way may not be in it.
    bool is_kept = asking->forgot == proofs->forgot && rows_may_be_remembered(result);
    if (is_kept)
        number_remember(proofs, number);
    judge_any(proofs, task, number);
    if (!is_kept)
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
    pg_text(&params, message_meant(task));
    pg_int4(&params, ANY_LIMIT);
    pg_call(service_pg(task->service), STATEMENT_PROOF_SECRETS, &params, secrets_came, asking);
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
