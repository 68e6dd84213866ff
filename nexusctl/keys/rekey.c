// rekey: replaces the key-encryption key while all programs run.
//
// First the new key is put into the file before the old ones: from then on secrets are sealed under
// it, and secrets under an old key can still be opened. Then the data keys are wrapped again, one
// contact center after the other, each in one transaction, under the lock that every change of that
// contact center takes. After a crash the next run finds the progress in the file and in the
// database, and continues.
#include "base/random.h"
#include "config/config.h"
#include "crypto/crypto.h"
#include "nexusctl/cli/output.h"
#include "nexusctl/commands.h"
#include "nexusctl/keys/key_file.h"
#include "nexusctl/keys/rekey_wrap.h"
#include "process/failpoint.h"
#include "secrets/secret.h"

enum { KEY_FILE, NEW_KEY_FILE, WRAP_ONLY, FORGET, DRY_RUN };
static const struct option options[] = {
    [KEY_FILE] = {"--key-file", NULL, "FILE", .rule = file_check,
                  .doc = "The file of keys; NEXUS_KEY_ENCRYPTION_KEY_FILE when left out."},
    [NEW_KEY_FILE] = {"--new-key-file", NULL, "FILE", .rule = file_check,
                      .doc = "The new key, 64 hex digits; without it one is made."},
    [WRAP_ONLY] = {"--wrap-only", NULL, NULL,
                   .doc = "Do not change the file; bring all secrets under its first key."},
    [FORGET] = {"--forget", NULL, NULL,
                .doc = "At the end remove keys from the file that no secret needs."},
    [DRY_RUN] = {"--dry-run", NULL, NULL,
                 .doc = "Only say what would be done; exit code 3 if anything."},
};

static bool ring_read(void *context, struct arena *arena, struct str *text, struct err *err)
{
    const struct rekey *rekey = context;

    (void)arena, (void)err;
    *text = rekey->text;
    return true;
}

// The keys.

static bool ring_load(struct rekey *rekey, struct str text, struct err *err)
{
    rekey->text = text;
    if (!(rekey->ring ? keyring_reload(rekey->ring, err)
                      : (rekey->ring = keyring_new(ring_read, rekey, err)) != NULL))
        return false;
    const char *first = keyring_key_id(rekey->ring, 0);
    if (!first)
        return err_set(err, ERR_BAD_INPUT, "no key is in %.150s", rekey->path);
    rekey->first = arena_copy(rekey->call->arena, str_of(first));
    return true;
}

static bool keys_read(struct rekey *rekey, struct err *err)
{
    struct call *call = rekey->call;
    struct str text = call->settings.key_encryption_key;
    const char *path;

    if (!config_secret_path("NEXUS_KEY_ENCRYPTION_KEY", call->config, call->arena, &path, err))
        return false;
    if (option_given(call, KEY_FILE))
        path = arena_c_string(call->arena, option_text(call, KEY_FILE));
    rekey->path = path ? path : "NEXUS_KEY_ENCRYPTION_KEY";
    if (option_given(call, WRAP_ONLY) &&
        (option_given(call, NEW_KEY_FILE) || option_given(call, FORGET)))
        return usage_set(call, err,
                         "--wrap-only changes no file: leave out --new-key-file and --forget");
    if (!path && !option_given(call, WRAP_ONLY))
        return usage_set(call, err,
                         "no file of keys is named: set NEXUS_KEY_ENCRYPTION_KEY_FILE or give "
                         "--key-file FILE; with --wrap-only none is needed");
    if (path && !key_file_read(path, call->arena, &text, err))
        return false;
    return ring_load(rekey, text, err);
}

static bool new_key(struct call *call, struct str *hex, struct err *err)
{
    unsigned char key[SECRET_KEY_BYTES];
    AUTO(buf) text = {0};

    if (option_given(call, NEW_KEY_FILE)) {
        if (!call_read(call, option_text(call, NEW_KEY_FILE), hex, err))
            return false;
        *hex = str_trim(*hex);
        return secret_key_parse("--new-key-file", *hex, key, err);
    }
    random_bytes(key, sizeof key);
    buf_hex(&text, str_make(key, sizeof key));
    *hex = arena_copy(call->arena, buf_str(&text));
    crypto_forget(key, sizeof key);
    return true;
}

static bool key_add(struct rekey *rekey, struct err *err)
{
    struct arena *arena = rekey->call->arena;
    struct str hex;

    if (!new_key(rekey->call, &hex, err))
        return false;
    struct str text = arena_printf(arena, "%.*s\n%.*s", STR_ARG(hex), STR_ARG(rekey->text));
    if (!keyring_check(text, err) || !key_file_write(rekey->path, text, err))
        return false;
    (void)failpoint("rekey.after_file");
    return ring_load(rekey, text, err);
}

// The file without the keys that seal nothing any more.
static bool keys_forget(struct rekey *rekey, const struct json_view *census, struct err *err)
{
    struct str line, rest = rekey->text;
    AUTO(buf) kept = {0};

    for (size_t i = 0; str_present(rest);) {
        str_cut(rest, '\n', &line, &rest);
        if (str_trim(line).len == 0)
            continue;
        const char *id = keyring_key_id(rekey->ring, i++);
        if (i == 1 || json_member(census, id) || json_member(census, "v1"))
            buf_printf(&kept, "%.*s\n", STR_ARG(str_trim(line)));
    }
    return key_file_write(rekey->path, buf_str(&kept), err) &&
           ring_load(rekey, arena_copy(rekey->call->arena, buf_str(&kept)), err);
}

// The number of secrets.

static int64_t count_of(const struct json_view *census, struct str id)
{
    int64_t count = 0;
    struct str name;
    const struct json_view *value;
    size_t cursor = 0;

    while (json_object_next(census, &cursor, &name, &value))
        if (str_equal(name, id))
            (void)!json_number(value, &count);
    return count;
}

static int64_t count_of_all(const struct json_view *census)
{
    int64_t count = 0, sum = 0;
    struct str name;
    const struct json_view *value;
    size_t cursor = 0;

    while (json_object_next(census, &cursor, &name, &value))
        sum += json_number(value, &count) ? count : 0;
    return sum;
}

// Output.

static void keys_write(const struct rekey *rekey, const struct json_view *census, struct buf *out)
{
    const char *id;

    json_key(out, "keys");
    json_open(out, '[');
    for (size_t i = 0; (id = keyring_key_id(rekey->ring, i)) != NULL; i++) {
        json_open(out, '{');
        json_key_str(out, "id", str_of(id));
        json_key_int(out, "secrets", count_of(census, str_of(id)));
        json_key_bool(out, "inUse", i == 0 || count_of(census, str_of(id)) > 0);
        json_close(out, '}');
    }
    json_close(out, ']');
}

static void keys_print(const struct rekey *rekey, const struct json_view *census, struct buf *out)
{
    const char *id;

    for (size_t i = 0; (id = keyring_key_id(rekey->ring, i)) != NULL; i++) {
        int64_t count = count_of(census, str_of(id));
        buf_printf(out, "key %s: %lld %s%s\n", id, (long long)count,
                   plural(count, "secret", "secrets"),
                   i == 0       ? ", seals"
                   : count == 0 ? ", no longer in use"
                                : "");
    }
    int64_t old = count_of(census, STR("v1"));
    if (old > 0)
        buf_printf(out, "of the old form, without a key's id: %lld %s\n", (long long)old,
                   plural(old, "secret", "secrets"));
}

static void report(const struct rekey *rekey, const struct json_view *census, bool dry_run,
                   int64_t waiting)
{
    struct buf *out = &rekey->call->out;

    if (rekey->call->json) {
        json_open(out, '{');
        json_key_bool(out, "dryRun", dry_run);
        json_key_bool(out, "goesOn", rekey->goes_on);
        json_key_int(out, dry_run ? "toRewrap" : "rewrapped", dry_run ? waiting : rekey->rewrapped);
        keys_write(rekey, census, out);
        json_close(out, '}');
        buf_byte(out, '\n');
        return;
    }
    keys_print(rekey, census, out);
    if (dry_run)
        buf_printf(out, "%s; %lld %s would be wrapped again; nothing was done\n",
                   rekey->goes_on                         ? "an interrupted rekey would continue"
                   : option_given(rekey->call, WRAP_ONLY) ? "the keys would stay"
                                                          : "a new key would be made",
                   (long long)waiting, plural(waiting, "secret", "secrets"));
    else
        buf_printf(out, "%lld %s wrapped again\n", (long long)rekey->rewrapped,
                   plural(rekey->rewrapped, "secret", "secrets"));
}

// Old keys in the file and secrets under them: an earlier run was not completed.
static bool is_broken_off(const struct rekey *rekey, const struct json_view *census)
{
    return keyring_key_id(rekey->ring, 1) && count_of_all(census) > count_of(census, rekey->first);
}

static bool begin(struct rekey *rekey, const struct json_view **census, struct err *err)
{
    struct str locked;

    if (!call_connect(rekey->call, &rekey->script, err) ||
        !call_introduce(rekey->call, rekey->script, err))
        return false;
    if (!option_given(rekey->call, DRY_RUN)) {
        if (!pg_script_ask(rekey->script, statements[STATEMENT_REKEY_LOCK].sql, NULL, 0,
                           rekey->call->arena, &locked, err))
            return false;
        if (!str_equal(locked, STR("t")))
            return err_set(err, ERR_CONFLICT, "another rekey is running");
        // One may have ended, and added its key to the file, before this one had the lock.
        if (!keys_read(rekey, err))
            return false;
    }
    if (!rekey_ask(rekey, STATEMENT_REKEY_CENSUS, NULL, 0, census, err))
        return false;
    rekey->goes_on = is_broken_off(rekey, *census);
    return true;
}

static bool rotate(struct rekey *rekey, struct err *err)
{
    const struct json_view *census;
    struct call *call = rekey->call;

    if (!begin(rekey, &census, err))
        return false;
    bool adds = !rekey->goes_on && !option_given(call, WRAP_ONLY);
    int64_t all = count_of_all(census), waiting = all - count_of(census, rekey->first);
    if (option_given(call, DRY_RUN)) {
        report(rekey, census, true, adds ? all : waiting);
        call->verdict = adds || waiting > 0 ? EXIT_DIFFERS : EXIT_DONE;
        return true;
    }
    if ((adds && !key_add(rekey, err)) || !rekey_wrap(rekey, err) ||
        !rekey_ask(rekey, STATEMENT_REKEY_CENSUS, NULL, 0, &census, err))
        return false;
    if (option_given(call, FORGET) && !keys_forget(rekey, census, err))
        return false;
    report(rekey, census, false, 0);
    return true;
}

static bool rekey(struct call *call, struct err *err)
{
    struct rekey state = {.call = call};

    bool done = keys_read(&state, err) && rotate(&state, err);
    pg_script_close(&state.script);
    keyring_free(&state.ring);
    return done;
}

const struct command rekey_command = {
    .name = "rekey",
    .summary = "replace the key that seals secrets, while everything runs",
    .usage = "[--key-file FILE] [--new-key-file FILE] [--wrap-only] [--forget] [--dry-run]",
    .manual =
        "Puts a new key before the others in the file of keys and wraps the data key of every\n"
        "secret again; no secret is opened for this. Workers read the file again by themselves\n"
        "and need no restart. You may kill the command at any point: run it again, and it\n"
        "continues. At the end it shows which keys are no longer in use. --forget removes them\n"
        "from the file; without it, remove them yourself when no backup of the database needs\n"
        "them any more. Progress is shown on stderr.\n"
        "\n"
        "If the file cannot be written (a mounted secret), put the new key on its first line\n"
        "yourself, for all workers, and run nexusctl rekey --wrap-only. If workers run on\n"
        "several machines with a file each, first add the new key as the last line of every\n"
        "file.\n"
        "\n"
        "Exit codes: 0 done; 1 failed, run it again; 2 used wrongly; 3 a dry run that found\n"
        "something to do.",
    .examples = "  nexusctl rekey --dry-run\n"
                "  nexusctl rekey\n"
                "  nexusctl rekey --key-file var/secrets/key_encryption_key --forget",
    .options = options,
    .option_count = COUNT_OF(options),
    .run = rekey,
};
