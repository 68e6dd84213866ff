// proofs: task → nothing to prove, or secrets cached, or looked up → checked → its batch, or 401.
#include "sms-worker/proofs/proofs.h"

#include "base/clock.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "base/panic.h"
#include "crypto/crypto.h"
#include "secrets/keyring.h"
#include "secrets/secret.h"
#include "secrets/signature.h"
#include "service/tasks/task.h"
#include "sms-worker/handlers.h"
#include "sms-worker/proofs/stored_proof.h"
#include "sms-worker/sms_worker.h"
#include "store/numbers.h"
#include "store/statements.h"
#include "telemetry/log.h"

#include <stdlib.h>

enum { NUMBERS_LIMIT = 1000, REMEMBERED_MS = 5000, ID_LIMIT = 64 };

// The secrets that a request may be signed with; cached if it names a number of the contact center.
struct number {
    struct list link;
    char id[ID_LIMIT]; // tenant and number
    size_t id_length;
    uint32_t tenant;
    int64_t learned_ms;
    bool is_cut;      // the contact center has more numbers than were asked for
    struct buf bytes; // the secrets, one after the other
    size_t count;
    struct str secrets[];
};

struct proofs {
    struct keyring *ring;
    struct stored_proofs *stored;
    struct map *numbers; // struct number by id
    struct list by_age;  // the oldest first
    uint64_t forgot;     // how often something was forgotten
};

// A task that waits for the secrets of its number.
struct asking {
    struct task *task;
    uint64_t forgot; // as proofs had it
};

struct proofs *proofs_new(struct keyring *ring)
{
    struct proofs *proofs = heap_new(sizeof *proofs);
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

// ---- what is known about a number

// Only these two come with a proof (gateway/route.h, route_is_signed).
static struct str number_named(const struct task *task)
{
    return task->envelope.message == MSG_SMS_RECEIPT ? sms_receipt_of(task)->shortcode
                                                     : sms_inbound_of(task)->shortcode;
}

// A text does not refer to a message of ours.
static struct str message_meant(const struct task *task)
{
    return task->envelope.message == MSG_SMS_RECEIPT ? sms_receipt_of(task)->message_id
                                                     : STR_ABSENT;
}

// Its key in the map.
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
    struct number *number = heap_new(sizeof *number + secrets * sizeof number->secrets[0]);
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

// ---- the answer of proof_secrets() in db/functions/administration/channel.sql

// Each costs an HMAC over the body, and no other request is checked meanwhile.
enum { ANY_LIMIT = 64 };

static size_t rows_secrets(const struct pg_result *result)
{
    size_t count = 0;

    for (size_t row = 0; row < pg_rows(result); row++) {
        struct str one, sealed = GET(result, row, PROOF_SECRETS, secrets);
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
    struct str one, sealed = GET(result, row, PROOF_SECRETS, secrets);

    secret_aad(&aad, GET(result, row, PROOF_SECRETS, ccid),
               GET(result, row, PROOF_SECRETS, address), "api");
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

// For a request that names no number the message may become known later, so the next similar
// request may get another answer; unless the contact center has no secrets at all.
static bool rows_may_be_remembered(const struct pg_result *result)
{
    return pg_rows(result) == 0 || GET(result, 0, PROOF_SECRETS, about) == ABOUT_ITS_NUMBER;
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

// The same text for every fault. If not all secrets were tried, the result is uncertain: a receipt
// whose message becomes known later is checked by that message's secret alone, so its sender must
// try again. A text is not for a number of ours in that case, whoever signed it.
static void refuse(struct task *task, bool is_cut)
{
    struct err err;

    if (is_cut && task->envelope.message == MSG_SMS_RECEIPT)
        err_set(&err, ERR_UNAVAILABLE,
                "no such message is known yet, so it is unknown which number's secret signs it: "
                "name the number in the receipt, or send it again later");
    else
        err_set(&err, ERR_UNAUTHENTICATED,
                "the request must be signed with the api.secret of the number");
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

static void stored_judged(struct task *task, enum stored_verdict verdict)
{
    stored_judge(task, false, verdict);
}

static void stored_judged_of_some(struct task *task, enum stored_verdict verdict)
{
    stored_judge(task, true, verdict);
}

// A request whose body is stored is checked after the body was read, all others at once.
static void judge_any(struct proofs *proofs, struct task *task, const struct number *number)
{
    const struct proof *proof = &task->envelope.proof;

    if (id_is_none(proof->stored)) {
        judge(task, number);
    } else if (number->count > 0 && !proof->is_partial) {
        stored_proof_check(proofs->stored, task, number->secrets, number->count,
                           number->is_cut ? stored_judged_of_some : stored_judged);
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
        // Nothing was written yet, whatever the result of the look-up.
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
    // Changes made while the answer was in flight may not be in it.
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
    BIND(&params, PROOF_SECRETS, .tenant = (int32_t)task_tenant(task), .number = number_named(task),
         .message = message_meant(task), .limit = ANY_LIMIT);
    pg_call(service_pg(task->service), &params, secrets_came, asking);
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
