// proc: see the header.
#include "process/proc.h"

#include "base/attributes.h"
#include "base/clock.h"
#include "base/str.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { TEXT_BYTES = 2048 };

static struct str file_read(const char *path, char text[TEXT_BYTES])
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? -1 : read(file, text, TEXT_BYTES - 1);

    if (file >= 0)
        close(file);
    text[length > 0 ? length : 0] = '\0';
    return str_of(text);
}

static double seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

struct proc_usage proc_usage(void)
{
    char text[TEXT_BYTES];
    unsigned long size = 0, resident = 0;
    const double page = (double)sysconf(_SC_PAGESIZE);
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    if (sscanf(file_read("/proc/self/statm", text).ptr, "%lu %lu", &size, &resident) != 2)
        size = resident = 0;
    return (struct proc_usage){.virtual_bytes = (double)size * page,
                               .resident_bytes = (double)resident * page,
                               .user_s = seconds(usage.ru_utime),
                               .system_s = seconds(usage.ru_stime)};
}

double proc_proportional_bytes(void)
{
    char text[TEXT_BYTES];
    unsigned long kib = 0;
    const char *line = strstr(file_read("/proc/self/smaps_rollup", text).ptr, "\nPss:");

    if (!line || sscanf(line, "\nPss: %lu", &kib) != 1)
        return 0;
    return (double)kib * 1024;
}

static enum proc_descriptor descriptor_kind(int descriptor)
{
    struct stat status;
    int listens = 0;
    socklen_t length = sizeof listens;

    if (fstat(descriptor, &status) != 0)
        return PROC_OTHER;
    switch (status.st_mode & S_IFMT) {
    case S_IFSOCK:
        getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length);
        return listens ? PROC_SERVER : PROC_SOCKET;
    case S_IFIFO: return PROC_PIPE;
    case S_IFREG:
    case S_IFDIR:
    case S_IFCHR: return PROC_FILE;
    default: return PROC_OTHER; // epoll, eventfd, timerfd and their like
    }
}

void proc_descriptors(size_t counts[PROC_DESCRIPTORS])
{
    DIR *directory = opendir("/proc/self/fd");
    struct dirent *entry;

    memset(counts, 0, PROC_DESCRIPTORS * sizeof counts[0]);
    while (directory && (entry = readdir(directory))) {
        int64_t descriptor;
        if (str_to_int(str_of(entry->d_name), 0, INT32_MAX, &descriptor) &&
            (int)descriptor != dirfd(directory))
            counts[descriptor_kind((int)descriptor)]++;
    }
    if (directory)
        closedir(directory);
}

double proc_descriptors_limit(void)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (double)limit.rlim_cur : 0;
}

// Field 22 of stat: ticks between the machine's start and that of the process. The name of the
// program, field 2, may hold anything, also blanks and parentheses.
static double started_s(const char *stat)
{
    const char *after = strrchr(stat, ')');
    unsigned long long ticks;
    struct timespec up;

    if (!after || sscanf(after + 1,
                         " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d "
                         "%*d %llu",
                         &ticks) != 1)
        return 0;
    clock_gettime(CLOCK_BOOTTIME, &up);
    double age_s =
        (double)up.tv_sec + (double)up.tv_nsec / 1e9 - (double)ticks / (double)sysconf(_SC_CLK_TCK);
    return (double)clock_unix_us() / 1e6 - age_s;
}

double proc_supervised_since_s(double own_start_s)
{
    char path[64], text[TEXT_BYTES];

    snprintf(path, sizeof path, "/proc/%d/stat", (int)getppid());
    (void)file_read(path, text);
    double start_s = strstr(text, "(s6-supervise)") ? started_s(text) : 0;
    return start_s > 0 ? start_s : own_start_s;
}
