// simulator: the outside world for the demo and the tests: an SMS aggregator, a customer's own
// gateway, a phone and Genesys Web Services, with knobs for their failures.
// Never in the production image.
#pragma once

#include "base/list.h"
#include "base/random.h"
#include "base/str.h"
#include "io/http_server/http_server.h"
#include "service/service.h"
#include "simulator/channels/channels.h"
#include "simulator/messages/history.h"

struct gws_host;

#define CONFIG_STRUCT simulator_config
#define CONFIG_ROWS   "simulator/config.def"
#include "config/config_struct.h"

struct simulator {
    struct service *service;
    uv_loop_t *loop;
    const struct simulator_config *config;
    struct random *random;
    struct http_server *server;
    struct channels *channels;
    struct history *history;
    struct journal *journal; // NULL: none is kept
    struct aggregator *aggregator;
    struct custom_gateway *gateway;
    struct page_events *events;
    struct gws_host *gws;
    struct list gws_delayed; // answers that wait for their time
};

extern const struct service_def simulator_service;

// Answers, for every handler. JSON bodies are built in a buf or the request's arena.
void simulator_answer(struct http_request *request, int status, struct str json);
void simulator_answer_error(struct http_request *request, const struct err *err);
// A parameter of the query, decoded, in the request's arena; absent if it is missing or malformed.
struct str simulator_query(struct http_request *request, struct str name);
// True with the probability of a knob of kind RATE.
bool simulator_hits(struct simulator *simulator, double rate);

// The handlers that routes.c lists. rest: what follows a path that ends in '/', percent-decoded.
typedef void simulator_handler(struct simulator *simulator, struct http_request *request,
                               struct str rest);
simulator_handler on_mo, on_receipt;                                         // aggregator_api.c
simulator_handler on_webhook;                                                // custom_gateway.c
simulator_handler on_knobs_get, on_knobs_put, on_knobs_delete;               // control_api.c
simulator_handler on_messages_get, on_messages_delete, on_stats, on_live;    // control_api.c
simulator_handler on_events;                                                 // events.c
simulator_handler on_page;                                                   // phone_page.c
simulator_handler on_gws_centers, on_gws_settings_get, on_gws_settings_post; // gws_api.c
simulator_handler on_gws_clients, on_gws_userinfo;                           // gws_api.c
simulator_handler on_gws_token;                                              // gws_token_api.c
simulator_handler on_gws_authorize, on_gws_authorize_post, on_gws_sign_out;  // gws_page.c

// routes.c
void simulator_route(void *simulator, struct http_request *request);
