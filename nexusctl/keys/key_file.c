// key_file: see the header.
#include "nexusctl/keys/key_file.h"

#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sys/stat.h>

enum { FILE_LIMIT = 16384 };

static bool fault(struct err *err, const char *path)
{
    return err_set(err, ERR_INTERNAL, "%.150s: %s", path, strerror(errno));
}

bool key_file_read(const char *path, struct arena *arena, struct str *text, struct err *err)
{
    char bytes[FILE_LIMIT];
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return fault(err, path);
    ssize_t count = read(fd, bytes, sizeof bytes);
    close(fd);
    if (count < 0)
        return fault(err, path);
    if (count == FILE_LIMIT)
        return err_set(err, ERR_BAD_INPUT, "%.150s is not a file of keys", path);
    *text = arena_copy(arena, str_make(bytes, (size_t)count));
    return true;
}

static bool file_fill(int fd, const struct stat *old, struct str text)
{
    return fchmod(fd, old->st_mode & 0777) == 0 && fchown(fd, old->st_uid, old->st_gid) == 0 &&
           write(fd, text.ptr, text.len) == (ssize_t)text.len && fsync(fd) == 0;
}

static bool folder_sync(const char *path)
{
    AUTO(buf) copy = {0};

    buf_str_append(&copy, str_of(path));
    buf_byte(&copy, '\0');
    int fd = open(dirname(copy.data), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return synced;
}

bool key_file_write(const char *path, struct str text, struct err *err)
{
    AUTO(buf) fresh = {0};
    struct stat old;

    buf_printf(&fresh, "%s.new", path);
    if (stat(path, &old) != 0)
        return fault(err, path);
    (void)unlink(buf_c_string(&fresh)); // of a run that was killed
    int fd = open(buf_c_string(&fresh), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return fault(err, buf_c_string(&fresh));
    bool filled = file_fill(fd, &old, text);
    int reason = errno;
    close(fd);
    if (filled && rename(buf_c_string(&fresh), path) == 0 && folder_sync(path))
        return true;
    errno = filled ? errno : reason;
    fault(err, path);
    (void)unlink(buf_c_string(&fresh));
    return false;
}
