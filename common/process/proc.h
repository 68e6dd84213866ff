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

// Resident memory in which a page that n processes share counts as 1/n (PSS). Takes a millisecond.
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

// Unix time at which the supervisor (s6) started, or this process if it has no supervisor.
double proc_supervised_since_s(double own_start_s);
