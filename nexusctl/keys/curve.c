// curve: the key pairs of programs on the bus. Only public keys are ever shown.
#include "io/zmq/zmq_key_file.h"
#include "nexusctl/commands.h"
#include "nexusctl/keys/key_file.h"

#include <errno.h>
#include <unistd.h>

static bool fault(struct err *err, const char *path)
{
    return err_set(err, ERR_INTERNAL, "%.150s: %s", path, strerror(errno));
}

static bool file_named(struct call *call, const char **path, struct err *err)
{
    if (call->argument_count == 0)
        return usage_set(call, err, "no file is named: give the file of the keys");
    *path = arena_c_string(call->arena, call->arguments[0]);
    return true;
}

static void public_key_print(struct call *call, const char *public_key)
{
    if (call->json) {
        json_open(&call->out, '{');
        json_key_str(&call->out, "publicKey", str_of(public_key));
        json_close(&call->out, '}');
    } else {
        buf_str_append(&call->out, str_of(public_key));
    }
    buf_byte(&call->out, '\n');
}

// Makes the secret file unless it exists. It is complete or does not exist, also after a crash. If
// two processes make it at once, both use the pair of the first.
static bool secret_ensure(const char *path, const char *fresh, struct err *err)
{
    struct zmq_key_pair pair;

    if (access(path, F_OK) == 0)
        return true;
    zmq_key_pair_make(&pair);
    return zmq_secret_file_write(&pair, fresh, err) &&
           (link(fresh, path) == 0 || errno == EEXIST || fault(err, path));
}

// The same for the public file, which is missing also where a crash came between the two.
static bool public_ensure(const char *path, const struct zmq_key_pair *pair, const char *fresh,
                          struct err *err)
{
    AUTO(buf) name = {0};

    buf_printf(&name, "%s.pub", path);
    return access(buf_c_string(&name), F_OK) == 0 ||
           (zmq_public_file_write(pair, fresh, err) &&
            (rename(fresh, buf_c_string(&name)) == 0 || fault(err, buf_c_string(&name))));
}

static bool pair_ensure(struct call *call, const char *path, struct zmq_key_pair *pair,
                        struct err *err)
{
    struct str text;
    AUTO(buf) name = {0};

    buf_printf(&name, "%s.%ld", path, (long)getpid());
    const char *fresh = buf_c_string(&name);
    bool ok = secret_ensure(path, fresh, err) && key_file_read(path, call->arena, &text, err) &&
              (zmq_key_pair_read(text, pair, err) || err_in(err, path)) &&
              public_ensure(path, pair, fresh, err);
    (void)unlink(fresh);
    return ok;
}

static bool curve_make(struct call *call, struct err *err)
{
    struct zmq_key_pair pair;
    const char *path = NULL;

    if (!file_named(call, &path, err) || !pair_ensure(call, path, &pair, err))
        return false;
    public_key_print(call, pair.public_key);
    return true;
}

static bool curve_show(struct call *call, struct err *err)
{
    char public_key[41];
    struct str text;
    const char *path = NULL;

    if (!file_named(call, &path, err) || !key_file_read(path, call->arena, &text, err))
        return false;
    if (!zmq_public_key_read(text, public_key, err))
        return err_in(err, path);
    public_key_print(call, public_key);
    return true;
}

static const struct verb verbs[] = {
    {"show", "the public key of a file", curve_show, 1},
    {"make", "make a key pair, unless the file exists, and show its public key", curve_make, 1},
};

const struct command curve_command = {
    .name = "curve",
    .summary = "key pairs of programs on the bus: make, show",
    .usage = "[--json] show FILE | make FILE",
    .manual =
        "Files are certificates of czmq (zcert). make writes FILE, with both keys and mode\n"
        "0600, for NEXUS_CURVE_SECRET_FILE, and FILE.pub, with the public key alone. It does\n"
        "not change existing files. It prints the public key: for NEXUS_CURVE_PUBLIC of the\n"
        "same program, and for NEXUS_CURVE_CLIENTS of the programs to which it connects. show\n"
        "prints the public key of either file. A file that contains only a secret key in Z85,\n"
        "as bus-key of 9.0.0 made it, can be read too.",
    .examples = "  nexusctl curve make /etc/nexus/sms-worker.key\n"
                "  echo \"$(nexusctl curve show /etc/nexus/sms-worker.key) sms-worker\" >>clients",
    .verbs = verbs,
    .verb_count = COUNT_OF(verbs),
    .offline = true,
};

const struct command bus_key_command = {
    .name = "bus-key",
    .summary = "the name of curve make in 9.0.0",
    .usage = "[--json] FILE",
    .manual = "See nexusctl curve.",
    .examples = "  nexusctl bus-key /etc/nexus/sms-worker.key",
    .arguments_limit = 1,
    .run = curve_make,
    .offline = true,
};
