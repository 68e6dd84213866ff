// bus_key: the key pair of a program on the bus. Only its public half is ever shown.
#include "io/zmq_socket.h"
#include "nexusctl/commands.h"
#include "nexusctl/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static bool fault(struct err *err, const char *path)
{
    return err_set(err, ERR_INTERNAL, "%.150s: %s", path, strerror(errno));
}

static bool secret_write(const char *path, const struct zmq_key_pair *pair, struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0)
        return fault(err, path);
    bool ok = write(fd, pair->secret_key, sizeof pair->secret_key - 1) ==
                  (ssize_t)sizeof pair->secret_key - 1 &&
              fsync(fd) == 0;
    int reason = errno;
    close(fd);
    errno = reason;
    return ok || fault(err, path);
}

// The file is there with a whole key or not at all, whenever we die. Of two who make it at once one
// is first, and both go by its key.
static bool secret_make(const char *path, struct err *err)
{
    struct zmq_key_pair pair;
    AUTO(buf) fresh = {0};

    buf_printf(&fresh, "%s.%ld", path, (long)getpid());
    (void)unlink(buf_c_string(&fresh)); // of a run that was killed
    zmq_key_pair_make(&pair);
    bool ok = secret_write(buf_c_string(&fresh), &pair, err);
    if (ok && link(buf_c_string(&fresh), path) != 0 && errno != EEXIST)
        ok = fault(err, path);
    (void)unlink(buf_c_string(&fresh));
    return ok;
}

static bool bus_key(struct call *call, struct err *err)
{
    struct zmq_key_pair pair;
    struct str secret;

    if (call->argument_count == 0)
        return usage_set(call, err, "no file is named: give the one that holds the secret key");
    const char *path = arena_c_string(call->arena, call->arguments[0]);
    if ((access(path, F_OK) != 0 && !secret_make(path, err)) ||
        !key_file_read(path, call->arena, &secret, err))
        return false;
    if (!zmq_key_pair_of(str_trim(secret), &pair))
        return err_set(err, ERR_BAD_INPUT, "%.150s holds no secret key of the bus", path);
    if (call->json) {
        json_open(&call->out, '{');
        json_key_str(&call->out, "publicKey", str_of(pair.public_key));
        json_close(&call->out, '}');
    } else {
        buf_str_append(&call->out, str_of(pair.public_key));
    }
    buf_byte(&call->out, '\n');
    return true;
}

const struct command bus_key_command = {
    .name = "bus-key",
    .summary = "make a program's key pair for the bus, or show its public key",
    .usage = "[--json] FILE",
    .manual =
        "FILE holds the secret key, for NEXUS_CURVE_SECRET_FILE; where it is not there, it is\n"
        "made, with mode 0600. The public key is printed: for NEXUS_CURVE_PUBLIC of the same\n"
        "program, and for NEXUS_CURVE_CLIENTS of those it connects to.",
    .examples = "  nexusctl bus-key /etc/nexus/sms-worker.key\n"
                "  echo \"$(nexusctl bus-key /etc/nexus/sms-worker.key) sms-worker\" >>clients",
    .arguments_limit = 1,
    .run = bus_key,
};
