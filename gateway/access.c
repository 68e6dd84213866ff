// access: see the header.
#include "gateway/access.h"

#include "gateway/answer.h"
#include "gateway/identity/client_address.h"
#include "gateway/identity/login_guard.h"
#include "gateway/tracing.h"

#include "io/http_server/http_server.h"

void access_address(const struct exchange *exchange, uint8_t address[static ADDRESS_BYTES])
{
    client_address_find(http_peer(exchange->http),
                        http_header_lines(exchange->http, "x-forwarded-for"),
                        exchange->gateway->trusted_proxies, address);
}

static void address_asked(void *context, uint8_t address[static ADDRESS_BYTES])
{
    access_address(context, address);
}

static void identified(void *context, struct caller *caller, const struct err *err)
{
    struct exchange *exchange = context;

    exchange->identified(exchange->identified_context, caller, err);
}

void access_identify(struct exchange *exchange, enum route_credentials kind, caller_fn *done,
                     void *context)
{
    struct gateway *gateway = exchange->gateway;
    struct credentials *credentials = &exchange->credentials;
    struct err err;

    if (!credentials_read(exchange->http, kind, gateway->is_https, http_arena(exchange->http),
                          credentials, &err)) {
        done(context, NULL, &err);
        return;
    }
    if (exchange->match.route->tenants == TENANTS_NAMED) {
        exchange->ccid = credentials->ccid;
        credentials->ccid = STR("");
    }
    exchange->identified = done;
    exchange->identified_context = context;
    exchange->wait = (struct principal_wait){.done = identified,
                                             .address = address_asked,
                                             .context = exchange,
                                             .traceparent = tracing_parent(exchange)};
    principals_find(gateway->principals, credentials, &exchange->wait);
}

static bool same_id(struct str a, struct str b)
{
    struct id one, other;

    return id_parse(a, &one) && id_parse(b, &other) && id_equal(one, other);
}

// Does x-ccid fit a route whose path or body names the contact center?
static bool ccid_fits(const struct exchange *exchange, const struct caller *caller, struct err *err)
{
    struct str named = route_parameter(&exchange->match, STR("ccid"));

    if (exchange->ccid.len == 0) {
        if (caller->principal.tenant == 0 && caller->principal.key != 0)
            return err_set(err, ERR_BAD_INPUT,
                           "x-ccid: a cluster key must name the contact center");
        return true;
    }
    if (named.len)
        return same_id(exchange->ccid, named) ||
               err_set(err, ERR_BAD_INPUT, "x-ccid: another contact center than that of the path");
    return caller->principal.tenant == 0 || same_id(exchange->ccid, caller->ccid) ||
           err_set(err, ERR_UNKNOWN_KEY, "the key is not for this contact center");
}

// The error for a user who is logged in speaks of the account; the error for a key or a token lists
// the permissions that would suffice.
static bool lacks_permission(const struct exchange *exchange, const struct caller *caller,
                             enum permission wanted, struct err *err)
{
    if (exchange->credentials.kind != CREDENTIAL_SESSION)
        return err_set(err, ERR_FORBIDDEN, "%s has none of the permissions that allow this: %s",
                       caller->principal.key ? "this key" : "this user", permission_enough(wanted));
    if (wanted == PERMISSION_AGENT || wanted == PERMISSION_INBOUND)
        return err_set(err, ERR_FORBIDDEN, "this account lacks the permission for this");
    return err_set(err, ERR_FORBIDDEN, "this account is not an administrator's");
}

bool access_allows(const struct exchange *exchange, const struct caller *caller, struct err *err)
{
    const struct route *route = exchange->match.route;

    if (exchange->credentials.lacks_csrf)
        return err_set(err, ERR_FORBIDDEN,
                       "x-csrf-token: this header is required when a cookie identifies the caller");
    if (!(caller->permissions & 1U << route->permission))
        return lacks_permission(exchange, caller, route->permission, err);
    if (route->tenants == TENANTS_NAMED && !ccid_fits(exchange, caller, err))
        return false;
    if (caller->principal.tenant != 0 && route->tenants == TENANTS_PLATFORM)
        return err_set(err, ERR_FORBIDDEN, "only for callers who act for all contact centers");
    if (caller->principal.tenant == 0 && route->tenants == TENANTS_ONE)
        return err_set(err, ERR_BAD_INPUT,
                       "x-ccid: a caller who acts for all contact centers must name one");
    return true;
}

static void known_again(void *context, struct caller *caller, const struct err *err)
{
    struct exchange *exchange = context;
    struct err refusal;

    if (caller && caller->principal.tenant != exchange->principal.tenant) {
        err_set(&refusal, ERR_UNKNOWN_KEY, "the right to send this has ended");
        err = &refusal;
    } else if (caller && !access_allows(exchange, caller, &refusal)) {
        err = &refusal;
    } else if (caller && !exchange->gateway->bus) {
        err_set(&refusal, ERR_UNAVAILABLE, "the gateway is stopping");
        err = &refusal;
    }
    exchange->known_again(exchange->known_context, err);
}

void access_ask_again(struct exchange *exchange, void (*done)(void *context, const struct err *err),
                      void *context)
{
    exchange->known_again = done;
    exchange->known_context = context;
    exchange->wait = (struct principal_wait){.done = known_again,
                                             .context = exchange,
                                             .is_let_in = true,
                                             .traceparent = exchange->wait.traceparent};
    principals_find(exchange->gateway->principals, &exchange->credentials, &exchange->wait);
}

void access_refuse(struct exchange *exchange, const struct err *err)
{
    struct login_limits limits = login_guard_limits(exchange->gateway->login_guard);

    if (err->code == ERR_RATE_LIMITED) {
        exchange->rate_policy = (struct rate_policy){"login", limits.of_address, limits.window_s};
        exchange->rate.wait_ms = exchange->wait.retry_ms;
    }
    answer_err(exchange, err);
}
