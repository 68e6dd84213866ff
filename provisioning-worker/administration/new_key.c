// new_key: see the header.
#include "provisioning-worker/administration/new_key.h"

#include "provisioning-worker/provisioning.h"
#include "secrets/api_key.h"
#include "secrets/keyring.h"

// Bound to its request: in the row of another request it cannot be opened.
static void aad_of(const struct task *task, struct buf *aad)
{
    buf_printf(aad, "idempotency|%u|%.*s", task_tenant(task), STR_ARG(task->idempotency.key));
}

bool new_key_make(struct task *task, struct err *err)
{
    const struct provisioning *provisioning = service_state(task->service);
    AUTO(buf) aad = {0};
    AUTO(buf) sealed = {0};

    task->chosen_id = api_key_new();
    if (!task_has_key(task))
        return true;
    aad_of(task, &aad);
    if (!keyring_seal(provisioning->ring, buf_str(&aad), new_key_text(task), &sealed, err))
        return false;
    task->idempotency.secret = arena_copy(task->arena, buf_str(&sealed));
    return true;
}

struct str new_key_text(struct task *task)
{
    return api_key_text(task->chosen_id, task->arena);
}

bool new_key_shown(struct task *task, struct str *text, struct err *err)
{
    const struct provisioning *provisioning = service_state(task->service);
    AUTO(buf) aad = {0};
    AUTO(buf) plain = {0};
    struct err closed;

    if (!task_has_key(task)) {
        *text = new_key_text(task);
        return true;
    }
    aad_of(task, &aad);
    if (!keyring_open(provisioning->ring, buf_str(&aad), task->idempotency.secret, &plain, &closed))
        return err_set(
            err, ERR_CONFLICT,
            "the key was shown once and cannot be shown again: the key that sealed it is missing");
    *text = arena_copy(task->arena, buf_str(&plain));
    return true;
}
