// zmq_key_file: czmq writes the files. They are read here, because czmq's reader prints lines that
// it does not understand to standard output, and one of those may be a secret key.
#include "io/zmq/zmq_key_file.h"

#include "base/panic.h"
#include "io/zmq/zmq_czmq.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_TEXT = 40, KEY_BYTES = 32 };

void zmq_key_pair_make(struct zmq_key_pair *pair)
{
    zcert_t *certificate = zcert_new();

    if (!certificate)
        panic("zcert_new: %s", zmq_strerror(zmq_errno()));
    memcpy(pair->public_key, zcert_public_txt(certificate), sizeof pair->public_key);
    memcpy(pair->secret_key, zcert_secret_txt(certificate), sizeof pair->secret_key);
    zcert_destroy(&certificate);
}

// ---- reading

// The value of a line `name = "value"`; absent where the certificate has none.
static struct str certificate_value(struct str text, struct str name)
{
    struct str line, key, value;

    while (str_present(text)) {
        str_cut(text, '\n', &line, &text);
        if (!str_cut(line, '=', &key, &value) || !str_equal(str_trim(key), name))
            continue;
        value = str_trim(value);
        if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"')
            return str_make(value.ptr + 1, value.len - 2);
    }
    return STR_ABSENT;
}

static bool key_take(struct str key, char text[static KEY_TEXT + 1])
{
    uint8_t bytes[KEY_BYTES];

    if (key.len != KEY_TEXT)
        return false;
    memcpy(text, key.ptr, KEY_TEXT);
    text[KEY_TEXT] = '\0';
    return zmq_z85_decode(bytes, text) != NULL;
}

bool zmq_key_pair_read(struct str text, struct zmq_key_pair *pair, struct err *err)
{
    struct str bare = str_trim(text);
    struct zmq_key_pair found;

    if (!key_take(bare.len == KEY_TEXT ? bare : certificate_value(text, STR("secret-key")),
                  found.secret_key) ||
        zmq_curve_public(found.public_key, found.secret_key) != 0)
        return err_set(err, ERR_BAD_INPUT,
                       "must be a secret certificate of czmq, or a secret key of 40 characters in "
                       "Z85");
    *pair = found;
    return true;
}

bool zmq_public_key_read(struct str text, char public_key[static 41], struct err *err)
{
    struct zmq_key_pair pair;

    if (!zmq_key_pair_read(text, &pair, err) &&
        !key_take(certificate_value(text, STR("public-key")), pair.public_key))
        return err_set(err, ERR_BAD_INPUT,
                       "must be a certificate of czmq, or a secret key of 40 characters in Z85");
    memcpy(public_key, pair.public_key, sizeof pair.public_key);
    return true;
}

// ---- writing

// czmq neither waits for the disk nor says what went wrong.
static bool file_finish(const char *path, bool written, mode_t mode, struct err *err)
{
    int fd = written ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    bool ok = fd >= 0 && fchmod(fd, mode) == 0 && fsync(fd) == 0;
    int reason = errno;

    if (fd >= 0)
        close(fd);
    return ok || err_set(err, ERR_INTERNAL, "%.150s: %s", path, strerror(reason));
}

static bool file_write(const struct zmq_key_pair *pair, const char *path, mode_t mode,
                       int (*save)(zcert_t *, const char *), struct err *err)
{
    uint8_t public_key[KEY_BYTES], secret_key[KEY_BYTES];

    zmq_z85_decode(public_key, pair->public_key);
    zmq_z85_decode(secret_key, pair->secret_key);
    zcert_t *certificate = zcert_new_from(public_key, secret_key);
    (void)unlink(path);
    bool written = save(certificate, path) == 0;
    int reason = errno;
    zcert_destroy(&certificate);
    errno = reason;
    return file_finish(path, written, mode, err);
}

bool zmq_secret_file_write(const struct zmq_key_pair *pair, const char *path, struct err *err)
{
    return file_write(pair, path, 0600, zcert_save_secret, err);
}

bool zmq_public_file_write(const struct zmq_key_pair *pair, const char *path, struct err *err)
{
    return file_write(pair, path, 0644, zcert_save_public, err);
}
