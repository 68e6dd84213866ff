// simulator: what it is made of, and in which order it comes and goes.
#include "simulator/simulator.h"

#include "base/log.h"
#include "base/panic.h"
#include "io/http_client.h"
#include "simulator/aggregator.h"
#include "simulator/custom_gateway.h"
#include "simulator/events.h"
#include "simulator/gws_answer.h"
#include "simulator/journal.h"

#include <stdlib.h>

enum { BODY_LIMIT = 1024 * 1024, CONNECTIONS_LIMIT = 4096 };

// clang-format off
static const struct config_key keys[] = {
    CONFIG_STR(simulator_config, host, "NEXUS_SIM_HOST", "127.0.0.1", CONFIG_PLAIN, "Address the simulator listens on; 0.0.0.0 lets a real phone open the page."),
    CONFIG_INT(simulator_config, port, "NEXUS_SIM_PORT", "8090", 0, 65535, "Its port."),
    CONFIG_STR(simulator_config, target, "NEXUS_SIM_TARGET", "http://127.0.0.1:8080", CONFIG_PLAIN, "The Nexus that MO and receipts are posted to."),
    CONFIG_STR(simulator_config, ccid, "NEXUS_SIM_CCID", "", CONFIG_PLAIN, "Contact center they are posted for; GWS knows it from the start."),
    CONFIG_STR(simulator_config, key, "NEXUS_SIM_KEY", "", CONFIG_SECRET, "The key that goes with it."),
    CONFIG_STR(simulator_config, webhook_secret, "NEXUS_SIM_WEBHOOK_SECRET", "", CONFIG_SECRET, "Secret that webhooks are signed with; empty: not checked."),
    CONFIG_STR(simulator_config, client_secret, "NEXUS_SIM_CLIENT_SECRET", "", CONFIG_SECRET, "Secret of GWS' client nexus_client, which is then registered from the start; empty: it is not."),
    CONFIG_STR(simulator_config, journal, "NEXUS_SIM_JOURNAL", "", CONFIG_PLAIN, "File with a JSON line for every webhook received; empty: none."),
};
// clang-format on

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

// What GWS knows before anybody has told it.
static bool gws_init(struct simulator *simulator, struct err *err)
{
    AUTO(buf) json = {0};
    const struct simulator_config *config = simulator->config;
    const struct gws_client *client;
    const struct json_view *description;

    simulator->gws = gws_new();
    list_init(&simulator->gws_delayed);
    if (config->ccid.len > 0 && !gws_center_found(simulator->gws, config->ccid, err))
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
    struct simulator *simulator = calloc(1, sizeof *simulator);

    ASSERT(simulator);
    *simulator = (struct simulator){.service = service,
                                    .loop = service_loop(service),
                                    .config = service_config(service),
                                    .random = service_random(service)};
    service_set_state(service, simulator);
    simulator->channels = channels_new();
    simulator->history = history_new();
    simulator->events = events_new(simulator);
    simulator->aggregator = aggregator_new(simulator);
    simulator->gateway = custom_gateway_new(simulator);
    if (!gws_init(simulator, err))
        return false;
    if (simulator->config->journal.len > 0 &&
        !(simulator->journal = journal_open(simulator->loop, simulator->config->journal, err)))
        return false;
    if (!listen_on(simulator, err))
        return false;
    LOG_INFO("simulator.listening", LOG_INT("port", http_server_port(simulator->server)));
    return true;
}

// What is still on its way to Nexus is forgotten: an aggregator that goes away takes its queue
// along.
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
    gws_free(&simulator->gws);
    events_free(&simulator->events);
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
    .config = keys,
    .config_count = COUNT_OF(keys),
    .config_size = sizeof(struct simulator_config),
    .init = init,
    .drain = drain,
    .done = done,
};
