// pipeline: GET /nexus/v3/pipeline. The gateway reads metrics-agent's page by itself, when somebody
// asks and at most once a second; all who ask meanwhile get the same answer. Rates are those since
// the reading before, if that was within a minute.
#pragma once

struct exchange;
struct gateway;
struct pipeline;

struct pipeline *pipeline_new(struct gateway *gateway);
void pipeline_free(struct pipeline **pipeline); // whoever waits is answered

void pipeline_open(struct exchange *exchange); // the route's function
