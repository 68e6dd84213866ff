// upkeep: jobs that keep the tables small and the books watched. Each job is one statement of one
// transaction, run again and again: at the declared interval, but never so often that it takes more
// than 1 % of the time. Several provisioning-workers may run; PostgreSQL lets one at a time do a
// job (upkeep_claim() in db/functions/upkeep.sql), and a worker that finds it taken simply waits
// for the next round. The jobs are a table in upkeep.c.
#pragma once

#include "bus/health_reason.h"

struct service;
struct upkeep;

struct upkeep *upkeep_new(struct service *service); // first round soon, after the database came
// Adds what the jobs have found.
void upkeep_judge(const struct upkeep *upkeep, struct health_reasons *reasons);
// PostgreSQL is back: what is measured in it was forgotten meanwhile, and is measured at once.
void upkeep_measure(struct upkeep *upkeep);
// No job starts any more; service_drained() is called when the last statement is answered.
void upkeep_drain(struct upkeep *upkeep);
void upkeep_free(struct upkeep **upkeep);
