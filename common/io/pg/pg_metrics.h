// pg_metrics: the metrics of a pool's calls, nexus_db_* (telemetry/metrics.def). Private to the
// adapter. A call that was never sent, because no connection was ready, is not counted.
#pragma once

#include "io/pg/pg_connection.h"
#include "telemetry/metrics.h"

struct pg_metrics;

struct pg_metrics *pg_metrics_new(struct metrics *metrics); // NULL when there is no metrics
void pg_metrics_free(struct pg_metrics **metrics);

// All of these do nothing without metrics.
void pg_metrics_sent(struct pg_metrics *metrics, const struct pg_call *call);
void pg_metrics_ended(struct pg_metrics *metrics, const struct pg_call *call);
