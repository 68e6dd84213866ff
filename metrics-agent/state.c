// state: see the header.
#include "metrics-agent/state.h"

#include "base/buf.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char head[] = "nexus-metrics 1\n";

enum { HEAD_BYTES = sizeof head - 1, LENGTH_BYTES = sizeof(uint32_t) };

static bool fault(struct err *err, const char *path, const char *what)
{
    return err_set(err, ERR_UNAVAILABLE, "%s: cannot be %s: %s", path, what, strerror(errno));
}

// ---- reading

static bool file_read(const char *path, struct buf *bytes, struct err *err)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    char part[4096];
    ssize_t count = 0;

    if (file < 0)
        return errno == ENOENT || fault(err, path, "opened");
    while ((count = read(file, part, sizeof part)) > 0)
        buf_append(bytes, part, (size_t)count);
    close(file);
    return count == 0 || fault(err, path, "read");
}

bool state_read(const char *path, struct fold *fold, int64_t now_ms, struct err *err)
{
    AUTO(buf) bytes = {0};

    if (!file_read(path, &bytes, err))
        return false;
    struct str left = buf_str(&bytes);
    if (left.len == 0)
        return true;
    if (!str_starts(left, str_make(head, HEAD_BYTES)))
        return err_set(err, ERR_BAD_INPUT, "%s: not written by this program", path);
    for (left = str_skip(left, HEAD_BYTES); left.len > 0;) {
        uint32_t length = 0;
        if (left.len >= LENGTH_BYTES)
            memcpy(&length, left.ptr, LENGTH_BYTES);
        length = be32toh(length);
        if (left.len < LENGTH_BYTES || length > left.len - LENGTH_BYTES)
            return err_set(err, ERR_BAD_INPUT, "%s: its end is missing", path);
        left = str_skip(left, LENGTH_BYTES);
        if (!fold_restore(fold, str_make(left.ptr, length), now_ms, err))
            return err_in(err, path);
        left = str_skip(left, length);
    }
    return true;
}

// ---- writing

struct writing {
    int file;
    bool failed;
};

static void bytes_write(struct writing *writing, const void *bytes, size_t length)
{
    const char *at = bytes;

    while (length > 0 && !writing->failed) {
        ssize_t count = write(writing->file, at, length);
        if (count < 0 && errno == EINTR)
            continue;
        writing->failed = count <= 0;
        at += count;
        length -= (size_t)count;
    }
}

static void record_write(void *context, struct str snapshot)
{
    uint32_t length = htobe32((uint32_t)snapshot.len);

    bytes_write(context, &length, LENGTH_BYTES);
    bytes_write(context, snapshot.ptr, snapshot.len);
}

bool state_write(const char *path, const struct fold *fold, struct err *err)
{
    AUTO(buf) beside = {0};

    buf_printf(&beside, "%s.new", path);
    const char *name = buf_c_string(&beside);
    struct writing writing = {.file = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
    if (writing.file < 0)
        return fault(err, name, "opened");
    bytes_write(&writing, head, HEAD_BYTES);
    fold_records(fold, record_write, &writing);
    if (close(writing.file) != 0 || writing.failed)
        return fault(err, name, "written");
    // A crash here: the old file stays with the totals shown before; the totals of this scrape were
    // never shown.
    return rename(name, path) == 0 || fault(err, path, "replaced");
}
