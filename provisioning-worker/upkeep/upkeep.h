// upkeep: jobs that keep the tables small and check the ledger. Each job is one statement in one
// transaction that runs again and again: at the declared interval, but never so often that it takes
// more than 1 % of the time (the two jobs of the ledger: 10 %). Several provisioning-workers may
// run; PostgreSQL lets one at a time do a job (upkeep_claim() in db/functions/upkeep/upkeep.sql),
// and a worker that finds it taken waits for the next round. The jobs are a table in upkeep.c.
#pragma once

#include "bus/health_reason.h"

struct service;
struct upkeep;

struct upkeep *upkeep_new(
    struct service *service); // the first round starts soon after the database is ready
// Adds the reasons that the jobs have found.
void upkeep_judge(const struct upkeep *upkeep, struct health_reasons *reasons);
// PostgreSQL is back: its measured values were unknown meanwhile, and are measured at once.
void upkeep_measure(struct upkeep *upkeep);
// No job starts any more; service_drained() is called when the last statement is answered.
void upkeep_drain(struct upkeep *upkeep);
void upkeep_free(struct upkeep **upkeep);
