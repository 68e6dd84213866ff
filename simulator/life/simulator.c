// simulator: its parts, and the order in which they start and stop.
#include "simulator/simulator.h"

#include "base/heap.h"
#include "io/http_client/http_client.h"
#include "simulator/aggregator/aggregator.h"
#include "simulator/gws/gws_answer.h"
#include "simulator/messages/journal.h"
#include "simulator/phone/events.h"
#include "simulator/webhooks/custom_gateway.h"
#include "telemetry/log.h"

#include <stdlib.h>

enum { BODY_LIMIT = 1024 * 1024, CONNECTIONS_LIMIT = 4096 };

#define CONFIG_STRUCT simulator_config
#define CONFIG_ROWS   "simulator/config.def"
#include "config/config_keys.h"

bool simulator_hits(struct simulator *simulator, double rate)
{
    return rate > 0 && random_unit(simulator->random) < rate;
}

static void render_error(void *context, const struct http_glance *asked, const struct err *err,
                         struct buf *body, struct str *content_type)
{
    (void)context;
    (void)asked;
    *content_type = STR("application/json");
    json_open(body, '{');
    json_key_str(body, "code", err_name(err->code));
    json_key_str(body, "detail", str_of(err->text));
    json_close(body, '}');
}

static bool listen_on(struct simulator *simulator, struct err *err)
{
    AUTO(buf) host = {0};

    buf_str_append(&host, simulator->config->host);
    simulator->server =
        http_server_new(simulator->loop,
                        &(struct http_server_options){.host = buf_c_string(&host),
                                                      .port = (int)simulator->config->port,
                                                      .body_limit = BODY_LIMIT,
                                                      .connections_limit = CONNECTIONS_LIMIT,
                                                      .handle = simulator_route,
                                                      .render_error = render_error,
                                                      .context = simulator},
                        err);
    return simulator->server != NULL;
}

// The initial data of GWS.
static bool gws_init(struct simulator *simulator, struct err *err)
{
    AUTO(buf) json = {0};
    const struct simulator_config *config = simulator->config;
    const struct gws_client *client;
    const struct json_view *description;

    simulator->gws = gws_host_new();
    list_init(&simulator->gws_delayed);
    if (config->ccid.len > 0 && !gws_center_ensure(simulator->gws, config->ccid, err))
        return err_in(err, "NEXUS_SIM_CCID");
    if (config->client_secret.len == 0)
        return true;
    json_open(&json, '{');
    json_key_str(&json, "client_id", STR("nexus_client"));
    json_key_str(&json, "client_secret", config->client_secret);
    json_key_raw(
        &json, "authorizedGrantTypes",
        STR("[\"password\",\"client_credentials\",\"authorization_code\",\"refresh_token\"]"));
    json_key(&json, "redirectURIs");
    json_open(&json, '[');
    json_str(&json, config->target);
    json_close(&json, ']');
    json_close(&json, '}');
    struct arena *arena = arena_new();
    bool done = json_parse(buf_str(&json), arena, &description, err) &&
                gws_client_put(simulator->gws, description, &client, err);
    arena_free(&arena);
    return done || err_in(err, "NEXUS_SIM_CLIENT_SECRET");
}

static bool init(struct service *service, struct err *err)
{
    struct simulator *simulator = heap_new(sizeof *simulator);
    *simulator = (struct simulator){.service = service,
                                    .loop = service_loop(service),
                                    .config = service_config(service),
                                    .random = service_random(service)};
    service_set_state(service, simulator);
    simulator->channels = channels_new();
    simulator->history = history_new();
    simulator->events = page_events_new(simulator);
    simulator->aggregator = aggregator_new(simulator);
    simulator->gateway = custom_gateway_new(simulator);
    if (!gws_init(simulator, err))
        return false;
    if (simulator->config->journal.len > 0 &&
        !(simulator->journal = journal_open(simulator->config->journal, err)))
        return false;
    if (!listen_on(simulator, err))
        return false;
    LOG_INFO("simulator.listening", LOG_INT("port", http_server_port(simulator->server)));
    return true;
}

// Messages still in flight to Nexus are dropped: an aggregator that disappears loses its queue.
static void drain(struct service *service)
{
    struct simulator *simulator = service_state(service);

    http_server_drain(simulator->server, 0);
    custom_gateway_drain(simulator->gateway);
    gws_answers_drain(simulator);
    aggregator_free(&simulator->aggregator);
    http_client_abort_all(service_http_client(service));
    service_drained(service);
}

static void done(struct service *service)
{
    struct simulator *simulator = service_state(service);

    if (!simulator)
        return;
    aggregator_free(&simulator->aggregator);
    http_server_free(&simulator->server);
    custom_gateway_free(&simulator->gateway);
    gws_host_free(&simulator->gws);
    page_events_free(&simulator->events);
    journal_close(&simulator->journal);
    history_free(&simulator->history);
    channels_free(&simulator->channels);
    free(simulator);
}

const struct service_def simulator_service = {
    .name = "simulator",
    .summary = "the outside world: SMS aggregator, custom gateway, phone and GWS, with fault knobs",
    .service = SERVICE_NONE,
    .needs = {NEEDS_HTTP_CLIENT},
    .config = config_keys,
    .config_count = COUNT_OF(config_keys),
    .config_size = sizeof(struct simulator_config),
    .init = init,
    .drain = drain,
    .done = done,
};
