// pipeline: GET /nexus/v3/pipeline. The gateway reads metrics-agent's page on request, at most once
// a second; all requests meanwhile get the same answer. Rates are those since the previous reading,
// if that was within a minute.
#pragma once

struct exchange;
struct gateway;
struct pipeline;

struct pipeline *pipeline_new(struct gateway *gateway);
void pipeline_free(struct pipeline **pipeline); // waiting requests are answered

void pipeline_open(struct exchange *exchange); // the route's function
