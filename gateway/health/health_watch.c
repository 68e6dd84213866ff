// health_watch: see the header.
#include "gateway/health/health_watch.h"

#include "gateway/gateway.h"
#include "gateway/health/agent_pages.h"

#include "base/heap.h"
#include "service/service.h"
#include "wire/json/codec_json.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    EVERY_TICKS = 2,
    TIMEOUT_MS = 1500,
    FAILURES_LIMIT = 2, // of metrics-agent: it may be restarting
    SILENT_MS = 6000,
    FILE_LIMIT = 1024,
    DEATHS_LIMIT = 64, // files
};

struct health_watch {
    struct gateway *gateway;
    bool asks;      // metrics-agent, which has not answered yet
    struct buf url; // of metrics-agent's processes; empty: none
    unsigned ticks, failures;
    struct health_watched told, found; // reasons from the last page; all reasons
    struct buf deaths, next_deaths;
};

static void add(struct health_watched *watched, enum health_reason_id id, struct str about)
{
    if (watched->count == HEALTH_WATCHED_LIMIT)
        return;
    struct health_reason *reason = &watched->list[watched->count++];
    *reason = (struct health_reason){.id = id};
    memcpy(reason->about, about.ptr,
           about.len < HEALTH_ABOUT_LIMIT ? about.len : HEALTH_ABOUT_LIMIT);
}

// ---- who is silent

static void process_look(struct health_watch *watch, const struct json_view *process)
{
    AUTO(buf) name = {0};
    int64_t silent_ms = 0;

    if (json_is_true(json_member(process, "ended")) ||
        !json_number(json_member(process, "silentMs"), &silent_ms) || silent_ms < SILENT_MS)
        return;
    buf_str_append(&name, json_text(json_member(process, "process")));
    buf_byte(&name, '-');
    buf_str_append(&name, json_text(json_member(process, "slot")));
    add(&watch->told, HEALTH_PROCESS_SILENT, buf_str(&name));
}

static void page_read(struct health_watch *watch, struct str page)
{
    struct arena *arena = arena_new();
    const struct json_view *view, *process;
    struct err err;

    watch->told.count = 0;
    if (json_parse(page, arena, &view, &err)) {
        if (json_is_true(json_member(view, "refused")))
            add(&watch->told, HEALTH_BUS_REFUSED, STR("metrics"));
        view = json_member(view, "processes");
        for (size_t i = 0; (process = json_element(view, i)) != NULL; i++)
            process_look(watch, process);
    }
    arena_free(&arena);
}

static void page_came(void *context, struct str page, const struct err *err)
{
    struct health_watch *watch = context;

    watch->failures = err ? watch->failures + 1 : 0;
    if (!err)
        page_read(watch, page);
    else if (watch->failures >= FAILURES_LIMIT)
        watch->told.count = 0; // unknown
    watch->asks = false;
}

static void page_ask(struct health_watch *watch)
{
    if (watch->url.len == 0 || watch->asks)
        return;
    watch->asks = true;
    agent_pages_ask(watch->gateway->agent_pages, buf_str(&watch->url), TIMEOUT_MS, page_came,
                    watch);
}

// ---- who died

// A file holds one JSON object in one line.
static bool death_read(int folder, const char *name, struct buf *text)
{
    char bytes[FILE_LIMIT];
    int file = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t count = file >= 0 ? read(file, bytes, sizeof bytes) : -1;

    if (file >= 0)
        close(file);
    if (count < 2 || count == FILE_LIMIT)
        return false;
    struct str line = str_trim(str_make(bytes, (size_t)count));
    if (line.len < 2 || line.ptr[0] != '{' || line.ptr[line.len - 1] != '}')
        return false;
    buf_clear(text);
    buf_str_append(text, line);
    return true;
}

static void death_take(struct health_watch *watch, int folder, const char *name)
{
    AUTO(buf) text = {0};
    struct arena *arena = arena_new();
    const struct json_view *view;
    struct err err;

    if (death_read(folder, name, &text) && json_parse(buf_str(&text), arena, &view, &err)) {
        if (json_is_true(json_member(view, "parked")))
            add(&watch->found, HEALTH_PROCESS_PARKED, str_of(name));
        if (watch->next_deaths.len > 0)
            buf_byte(&watch->next_deaths, ',');
        buf_str_append(&watch->next_deaths, json_compact(view, arena));
    }
    arena_free(&arena);
}

static void deaths_look(struct health_watch *watch)
{
    AUTO(buf) path = {0};
    size_t count = 0;

    buf_str_append(&path, watch->gateway->config->deaths);
    DIR *folder = path.len > 0 ? opendir(buf_c_string(&path)) : NULL;
    buf_clear(&watch->next_deaths);
    for (const struct dirent *entry; folder && (entry = readdir(folder)) && count < DEATHS_LIMIT;) {
        if (entry->d_name[0] == '.')
            continue;
        death_take(watch, dirfd(folder), entry->d_name);
        count++;
    }
    if (folder)
        closedir(folder);
    buf_clear(&watch->deaths);
    buf_str_append(&watch->deaths, buf_str(&watch->next_deaths));
}

// ---- both

void health_watch_tick(struct health_watch *watch)
{
    if (watch->ticks++ % EVERY_TICKS != 0)
        return;
    watch->found.count = 0;
    deaths_look(watch);
    for (size_t i = 0; i < watch->told.count; i++)
        add(&watch->found, watch->told.list[i].id, str_of(watch->told.list[i].about));
    if (watch->failures >= FAILURES_LIMIT)
        add(&watch->found, HEALTH_AGENT_SILENT, STR(""));
    page_ask(watch);
}

const struct health_watched *health_watch_found(const struct health_watch *watch)
{
    return &watch->found;
}

struct str health_watch_deaths(const struct health_watch *watch)
{
    return buf_str(&watch->deaths);
}

struct health_watch *health_watch_new(struct gateway *gateway)
{
    struct health_watch *watch = heap_new(sizeof *watch);
    struct str page = gateway->config->metrics_url, end = STR("/metrics");

    watch->gateway = gateway;
    if (page.len > end.len && str_equal(str_skip(page, page.len - end.len), end)) {
        buf_str_append(&watch->url, str_make(page.ptr, page.len - end.len));
        buf_str_append(&watch->url, STR("/processes"));
    }
    return watch;
}

void health_watch_free(struct health_watch **watch)
{
    if (!*watch)
        return;
    buf_release(&(*watch)->url);
    buf_release(&(*watch)->deaths);
    buf_release(&(*watch)->next_deaths);
    free(*watch);
    *watch = NULL;
}
