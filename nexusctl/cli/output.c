// output: see the header.
#include "nexusctl/cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static bool fault(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "standard output: %s", strerror(errno));
}

bool output_open(struct err *err)
{
    // A closed descriptor would be reused for the connection to the database, and answers would be
    // written into that.
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != fd)
            return fault(err);
    int flags = fcntl(STDOUT_FILENO, F_GETFL);
    errno = EBADF;
    return (flags & O_ACCMODE) != O_RDONLY || fault(err);
}

bool output_print(struct buf *text, struct err *err)
{
    errno = 0;
    bool printed = fwrite(text->data, 1, text->len, stdout) == text->len && fflush(stdout) == 0;
    buf_clear(text);
    return printed || fault(err);
}
