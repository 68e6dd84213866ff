// rekey_wrap: see the header.
#include "nexusctl/keys/rekey_wrap.h"

#include "base/clock.h"
#include "nexusctl/cli/output.h"
#include "process/failpoint.h"
#include "secrets/secret.h"
#include "wire/json/shape.h"

enum { TRIES = 5 };

bool rekey_ask(struct rekey *rekey, enum statement statement, const struct str *params,
               size_t count, const struct json_view **view, struct err *err)
{
    struct str answer;

    return pg_script_ask(rekey->script, statements[statement].sql, params, count,
                         rekey->call->arena, &answer, err) &&
           (!view || answer_parse(answer, rekey->call->arena, view, err));
}

static bool secrets_rewrap(struct rekey *rekey, const struct json_view *secrets, struct buf *out,
                           struct err *err)
{
    const struct json_view *secret;

    json_open(out, '{');
    for (size_t i = 0; (secret = json_element(secrets, i)) != NULL; i++) {
        struct str sealed = json_text(json_member(secret, "sealed"));
        AUTO(buf) aad = {0};
        AUTO(buf) fresh = {0};
        secret_aad(&aad, json_text(json_member(secret, "ccid")),
                   json_text(json_member(secret, "owner")),
                   arena_c_string(rekey->call->arena, json_text(json_member(secret, "use"))));
        if (!keyring_rewrap(rekey->ring, buf_str(&aad), sealed, &fresh, err))
            return false;
        json_key_str(out, arena_c_string(rekey->call->arena, sealed), buf_str(&fresh));
    }
    json_close(out, '}');
    return true;
}

static bool tenant_rewrap(struct rekey *rekey, struct str tenant, struct err *err)
{
    const struct str take[] = {tenant, rekey->first};
    const struct json_view *secrets;
    AUTO(buf) fresh = {0};

    if (!pg_script_run(rekey->script, "begin", err) ||
        !rekey_ask(rekey, STATEMENT_REKEY_TAKE, take, COUNT_OF(take), &secrets, err) ||
        !secrets_rewrap(rekey, secrets, &fresh, err))
        return false;
    const struct str store[] = {tenant, buf_str(&fresh)};
    if (!rekey_ask(rekey, STATEMENT_REKEY_STORE, store, COUNT_OF(store), NULL, err) ||
        !pg_script_run(rekey->script, "commit", err))
        return false;
    rekey->rewrapped += (int64_t)shape_length(secrets);
    (void)failpoint("rekey.after_batch");
    return true;
}

// A worker that reports the state of a destination may hold a row while we hold another.
static bool tenant_rewrap_again(struct rekey *rekey, struct str tenant, struct err *err)
{
    for (int tries = 1; !tenant_rewrap(rekey, tenant, err); tries++) {
        struct err ignored;
        (void)!pg_script_run(rekey->script, "rollback", &ignored);
        if (tries == TRIES || err->code != ERR_CONCURRENT)
            return false;
    }
    return true;
}

static void progress(struct rekey *rekey, size_t done, size_t all)
{
    int64_t now_ms = clock_unix_us() / 1000;

    if (done < all && now_ms - rekey->shown_ms < 1000)
        return;
    rekey->shown_ms = now_ms;
    fprintf(stderr, "rekey: %zu of %zu %s, %lld %s\n", done, all,
            plural((int64_t)all, "contact center", "contact centers"), (long long)rekey->rewrapped,
            plural(rekey->rewrapped, "secret", "secrets"));
}

static bool pass(struct rekey *rekey, size_t *found, struct err *err)
{
    const struct json_view *tenants;
    int64_t tenant = 0;

    if (!rekey_ask(rekey, STATEMENT_REKEY_TENANTS, &rekey->first, 1, &tenants, err))
        return false;
    *found = shape_length(tenants);
    for (size_t i = 0; i < *found; i++) {
        (void)!json_number(json_element(tenants, i), &tenant);
        struct str text = arena_printf(rekey->call->arena, "%lld", (long long)tenant);
        if (!tenant_rewrap_again(rekey, text, err))
            return false;
        progress(rekey, i + 1, *found);
    }
    return true;
}

// Repeats until two passes, with a pause between them, find nothing: a worker may have sealed a
// secret just before it read the new key, and store it just after a pass.
bool rekey_wrap(struct rekey *rekey, struct err *err)
{
    size_t found;

    for (int clean = 0; clean < 2; clean = found ? 0 : clean + 1) {
        if (clean == 1 && !rekey_ask(rekey, STATEMENT_PAUSE, NULL, 0, NULL, err))
            return false;
        if (!pass(rekey, &found, err))
            return false;
    }
    return true;
}
