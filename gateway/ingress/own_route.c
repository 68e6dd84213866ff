// own_route: see the header.
#include "gateway/ingress/own_route.h"

#include "gateway/attachments/attachment.h"
#include "gateway/events/events.h"
#include "gateway/gateway.h"
#include "gateway/health/health.h"
#include "gateway/login/auth.h"
#include "gateway/pages/openapi.h"
#include "gateway/pages/pages.h"
#include "gateway/pipeline/pipeline.h"

static void (*const functions[ROUTE_COUNT])(struct exchange *) = {
#define CALL(...)
#define STREAM(row, verb, text, proof, right, function, says)     [ROUTE_##row] = function,
#define OWN(row, verb, text, proof, right, whose, function, says) [ROUTE_##row] = function,
#define LOCAL(row, verb, text, meter, function, says)             [ROUTE_##row] = function,
#include "gateway/routes.def"
};

void own_route_open(struct exchange *exchange)
{
    functions[exchange->match.route->id](exchange);
}
