#include "process/failpoint.h"

#include "rows.h"
#include "telemetry/log.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static bool arm(const char *rules, const char *seed)
{
    struct err err;

    log_set_level(LOG_LEVEL_ERROR); // hits are logged; a test makes many
    clearenv();
    if (rules)
        setenv("NEXUS_FAILPOINTS", rules, 1);
    if (seed)
        setenv("NEXUS_FAILPOINT_SEED", seed, 1);
    return failpoints_init(&err);
}

Test(failpoint, is_idle_unless_it_is_armed)
{
    cr_assert(arm(NULL, NULL));

    cr_assert(not(failpoints_armed));
    cr_assert(not(failpoint("unit.place")));
}

Test(failpoint, fails_only_at_the_named_place)
{
    cr_assert(arm("unit.place=fail;unit.other=fail:0", NULL));

    cr_assert(failpoint("unit.place"));
    cr_assert(not(failpoint("unit.other")));
    cr_assert(not(failpoint("unit.plac")));
}

static uint64_t pattern(const char *seed)
{
    uint64_t bits = 0;

    cr_assert(arm("unit.place=fail:0.5", seed));
    for (int i = 0; i < 64; i++)
        bits = bits << 1 | failpoint("unit.place");
    return bits;
}

Test(failpoint, the_same_seed_gives_the_same_hits)
{
    cr_assert(eq(u64, pattern("7"), pattern("7")));
    cr_assert(ne(u64, pattern("7"), pattern("8")));
}

Test(failpoint, kills_or_stops_the_process)
{
    int status;

    cr_assert(arm("unit.kill=kill;unit.hang=hang", NULL));
    pid_t child = fork();
    if (child == 0) {
        failpoint("unit.hang");
        failpoint("unit.kill");
        _exit(0);
    }

    cr_assert(eq(int, waitpid(child, &status, WUNTRACED), child));
    cr_assert(eq(int, WSTOPSIG(status), SIGSTOP));
    kill(child, SIGCONT);
    cr_assert(eq(int, waitpid(child, &status, 0), child));
    cr_assert(eq(int, WTERMSIG(status), SIGKILL));
}

static const struct rule_row {
    const char *rules;
    bool good;
} rule_rows[] = {
    {"", true},
    {"a=kill", true},
    {"a=kill:0.01;b=hang:1;c=fail:0", true},
    {";a=fail;;", true},
    {"a", false},
    {"a=", false},
    {"a=explode", false},
    {"a=kill:", false},
    {"a=kill:2", false},
    {"a=kill:-1", false},
    {"a=kill:nan", false},
    {"a=kill:half", false},
    {"a=kill:0.5x", false},
    {"a=kill:0.00000000000000000000001", false},
    {"1=fail;2=fail;3=fail;4=fail;5=fail;6=fail;7=fail;8=fail;9=fail;10=fail;11=fail;12=fail;"
     "13=fail;14=fail;15=fail;16=fail",
     true},
    {"1=fail;2=fail;3=fail;4=fail;5=fail;6=fail;7=fail;8=fail;9=fail;10=fail;11=fail;12=fail;"
     "13=fail;14=fail;15=fail;16=fail;17=fail",
     false},
};

ROWS_TEST(failpoint, reads_its_rules_strictly, rule_rows)
{
    cr_assert(eq(int, arm(row->rules, "1"), row->good), "%s", row->rules);
}
