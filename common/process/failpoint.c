// failpoint: a short list, searched by name; the speed of an armed process does not matter.
#include "process/failpoint.h"

#include "base/random.h"
#include "telemetry/log.h"

#include <signal.h>
#include <stdlib.h>

enum { RULES_LIMIT = 16 };
enum action { ACTION_KILL, ACTION_HANG, ACTION_FAIL };

static struct rule {
    struct str name;
    enum action action;
    double probability;
} rules[RULES_LIMIT];
static size_t rule_count;
static struct random dice;
bool failpoints_armed;

static bool rule_parse(struct str text, struct rule *rule, struct err *err)
{
    static const struct str actions[] = {STR_INIT("kill"), STR_INIT("hang"), STR_INIT("fail")};
    struct str rest, action, probability;

    if (!str_cut(text, '=', &rule->name, &rest))
        return err_set(err, ERR_BAD_INPUT, "NEXUS_FAILPOINTS: want name=action[:probability]");
    rule->probability = 1;
    if (str_cut(rest, ':', &action, &probability)) {
        char number[16] = {0}, *end;
        if (probability.len == 0 || probability.len >= sizeof number)
            return err_set(err, ERR_BAD_INPUT, "NEXUS_FAILPOINTS: bad probability");
        memcpy(number, probability.ptr, probability.len);
        rule->probability = strtod(number, &end);
        if (*end != '\0' || !(rule->probability >= 0 && rule->probability <= 1))
            return err_set(err, ERR_BAD_INPUT, "NEXUS_FAILPOINTS: probability is 0 to 1");
    }
    for (size_t i = 0; i < COUNT_OF(actions); i++) {
        if (str_equal(action, actions[i])) {
            rule->action = (enum action)i;
            return true;
        }
    }
    return err_set(err, ERR_BAD_INPUT, "NEXUS_FAILPOINTS: action is kill, hang or fail");
}

bool failpoints_init(struct err *err)
{
    struct str rest = str_of(getenv("NEXUS_FAILPOINTS"));
    const char *seed = getenv("NEXUS_FAILPOINT_SEED");

    rule_count = 0;
    random_bytes(&dice.state, sizeof dice.state);
    if (seed)
        dice.state = strtoull(seed, NULL, 10);
    while (rest.len > 0) {
        struct str rule;
        str_cut(rest, ';', &rule, &rest);
        if (rule.len == 0)
            continue;
        if (rule_count == RULES_LIMIT)
            return err_set(err, ERR_BAD_INPUT, "NEXUS_FAILPOINTS: more than %d rules", RULES_LIMIT);
        if (!rule_parse(rule, &rules[rule_count], err))
            return false;
        rule_count++;
    }
    failpoints_armed = rule_count > 0;
    if (failpoints_armed)
        LOG_WARN("failpoints.armed", LOG_INT("rules", rule_count), LOG_INT("seed", dice.state));
    return true;
}

bool failpoint_hit(const char *name)
{
    for (size_t i = 0; i < rule_count; i++) {
        if (!str_equal(rules[i].name, str_of(name)) || random_unit(&dice) >= rules[i].probability)
            continue;
        LOG_WARN("failpoint.hit", LOG_STR("name", str_of(name)));
        if (rules[i].action == ACTION_FAIL)
            return true;
        raise(rules[i].action == ACTION_KILL ? SIGKILL : SIGSTOP);
    }
    return false;
}
