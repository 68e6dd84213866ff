// watchdog: a kernel timer that each call of watchdog_feed() moves forward. Its first expiry only
// starts a second one, because a process that was stopped for long gets its overdue signal before
// it can feed the watchdog again.
#include "process/watchdog.h"

#include "base/panic.h"

#include <signal.h>
#include <sys/time.h>

enum { FIRST_S = 8, SECOND_S = 2 };

// A signal handler can only use this.
static volatile sig_atomic_t rings;

static void timer_set(int seconds)
{
    const struct itimerval in = {.it_value = {.tv_sec = seconds}};

    if (setitimer(ITIMER_REAL, &in, NULL) != 0)
        panic("setitimer failed");
}

static void rang(int signal_number)
{
    static const char last_words[] = "watchdog: the loop has not ticked for 10 s\n";
    const struct itimerval again = {.it_value = {.tv_sec = SECOND_S}};

    (void)signal_number;
    if (rings++ == 0) {
        setitimer(ITIMER_REAL, &again, NULL);
        return;
    }
    (void)!write(STDERR_FILENO, last_words, sizeof last_words - 1);
    abort();
}

void watchdog_start(void)
{
    const struct sigaction action = {.sa_handler = rang, .sa_flags = SA_RESTART};

    if (sigaction(SIGALRM, &action, NULL) != 0)
        panic("sigaction failed");
    watchdog_feed();
}

void watchdog_feed(void)
{
    rings = 0;
    timer_set(FIRST_S);
}

void watchdog_stop(void)
{
    timer_set(0);
}
