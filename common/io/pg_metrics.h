// pg_metrics: what a pool tells of its calls, as nexus_db_* (base/metrics.def). Private to the
// adapter. A call that never left, because no connection was ready, is none of these.
#pragma once

#include "base/metrics.h"
#include "io/pg_connection.h"

struct pg_metrics;

struct pg_metrics *pg_metrics_new(struct metrics *metrics); // NULL when there is no metrics
void pg_metrics_free(struct pg_metrics **metrics);

// All of these do nothing without metrics.
void pg_metrics_sent(struct pg_metrics *metrics, const struct pg_call *call);
void pg_metrics_ended(struct pg_metrics *metrics, const struct pg_call *call);
