// pod: see the header.
#include "metrics-agent/pod.h"

struct survey {
    struct buf *json;
    struct str self;
    size_t processes, silent, lost, without_database;
};

static void look_at(void *context, const struct fold_process *process)
{
    struct survey *survey = context;

    if (str_equal(process->role, survey->self))
        return;
    survey->processes++;
    survey->silent += process->has_ended || process->silent_ms > POD_SILENT_MS;
    survey->lost += !process->has_ended && process->silent_ms > POD_LOST_MS;
    survey->without_database += process->needs_database && !process->has_database;

    json_open(survey->json, '{');
    json_key_str(survey->json, "process", process->role);
    json_key_str(survey->json, "slot", process->slot);
    json_key_int(survey->json, "silentMs", process->silent_ms);
    json_key_bool(survey->json, "ended", process->has_ended);
    if (process->needs_database)
        json_key_bool(survey->json, "db", process->has_database);
    json_close(survey->json, '}');
}

bool pod_ask(struct pod *pod, enum pod_question question, const struct fold *fold, struct str self,
             int64_t now_ms, struct buf *json)
{
    static const char *const names[] = {[POD_LIVE] = "live",
                                        [POD_STARTUP] = "started",
                                        [POD_READY] = "ready",
                                        [POD_PROCESSES] = "told"};
    struct survey survey = {.json = json, .self = self};

    json_open(json, '{');
    json_key(json, "processes");
    json_open(json, '[');
    fold_processes(fold, now_ms, look_at, &survey);
    json_close(json, ']');

    bool is_ready = survey.processes > 0 && survey.silent == 0 && survey.without_database == 0;
    pod->was_ready |= is_ready;
    bool answer = question == POD_LIVE        ? survey.lost == 0
                  : question == POD_READY     ? is_ready
                  : question == POD_PROCESSES ? true
                                              : pod->was_ready;
    json_key_bool(json, "refused", now_ms < pod->refused_until_ms);
    json_key_bool(json, names[question], answer);
    json_close(json, '}');
    return answer;
}
