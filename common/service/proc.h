// proc: what the kernel says of this process, read from /proc/self and getrusage(). What cannot be
// read is 0.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct proc_usage { // cheap: to be asked once a second
    double virtual_bytes, resident_bytes;
    double user_s, system_s;
};
struct proc_usage proc_usage(void);

// Pages that several processes have count in parts. Walks all mappings: a millisecond.
double proc_proportional_bytes(void);

enum proc_descriptor {
    PROC_SERVER,
    PROC_SOCKET,
    PROC_PIPE,
    PROC_FILE,
    PROC_OTHER,
    PROC_DESCRIPTORS
};
// How many are open by kind; a system call or two for each.
void proc_descriptors(size_t counts[PROC_DESCRIPTORS]);
double proc_descriptors_limit(void);

// Unix time in seconds of the start of the supervisor (s6) this process has, or of its own.
double proc_supervised_since_s(double own_start_s);
