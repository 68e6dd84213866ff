// health_watch: what a gateway looks up for its health every two seconds: which processes
// metrics-agent has not heard from (NEXUS_METRICS_URL), and what the supervisor recorded about
// those that died (NEXUS_DEATHS, a folder with a file for each process; supervise/death writes
// them). If a setting is empty, nothing is looked up.
#pragma once

#include "bus/health_reason.h"

#include "base/buf.h"

struct gateway;
struct health_watch;

enum { HEALTH_WATCHED_LIMIT = 24 };

struct health_watched {
    struct health_reason list[HEALTH_WATCHED_LIMIT];
    size_t count;
};

struct health_watch *health_watch_new(struct gateway *gateway);
void health_watch_free(struct health_watch **watch);
void health_watch_tick(struct health_watch *watch); // once a second
const struct health_watched *health_watch_found(const struct health_watch *watch);
// The last death of each process, as JSON objects set apart by commas.
struct str health_watch_deaths(const struct health_watch *watch);
