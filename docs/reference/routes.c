// routes: see the header.
#include "docs/reference/routes.h"

#include "docs/reference/code_list.h"

#include "gateway/route.h"
#include "secrets/api_key.h"

// --- the columns ------------------------------------------------------------------------------

static void write_columns(FILE *out)
{
    fputs(
        "`/openapi.json` of a running gateway, kept here as [openapi.json](openapi.json), "
        "describes "
        "every field, answer and error of these endpoints. This page is the overview.\n\n"
        "| column | meaning |\n|---|---|\n"
        "| endpoint | Method and path. HEAD answers as GET does, without the body. |\n"
        "| id | The name of the route in metrics and traces: the label `route`. |\n"
        "| message | The bus message that the gateway sends to a worker, see "
        "[messages](messages.md); the answer is made from the worker's [reply](replies.md). |\n"
        "| credentials | `BASIC`: HTTP Basic, the contact center's id (ccid) as user name and a "
        "key "
        "as password. `KEY`: a key in `Authorization: Bearer` or in `x-api-key`, a token of GWS in "
        "`Authorization: Bearer`, or the session of the pages. `-`: open to all. |\n"
        "| permission | Who may call it, see [below](#who-may-do-what). |\n"
        "| contact center | `own`: that of the key or user. A cluster key or an operator, who act "
        "for all, name one in the header `x-ccid`. `own or all`: the same, but without `x-ccid` "
        "the request is about all. `named`: the path or the body names it; a cluster key sends "
        "`x-ccid` as well. |\n"
        "| unknown fields | `ignored`: compatible with what Genesys documents, errors in the "
        "envelope. `refused`: answered 400 with the name of the field, errors as problem+json "
        "(RFC 9457). |\n"
        "| envelope | The form of a successful answer. `E1`: `{\"status\": {\"code\": 0}, "
        "\"data\": …, "
        "\"operationId\": …}`. `E2`: the same with `\"code\": \"SUCCESS\"`. `E3`: the data itself. "
        "|\n"
        "| rate | `limited`: the key's capacity and frequency apply; above them the answer is 429. "
        "|\n"
        "| deadline | If no worker has replied after this time, the answer is 504. |\n",
        out);
}

// --- permissions ------------------------------------------------------------------------------

static void write_holder(FILE *out, const char *holder, const char *permission)
{
    uint32_t bits = permission_bits(str_of(permission));
    const char *between = "";

    fprintf(out, "| %s | `%s` | ", holder, permission);
    if (!bits)
        fputs("nothing in Nexus; a key may have it because the documented interface has it", out);
    for (int i = 0; i < PERMISSION_COUNT; i++) {
        if (bits & 1U << i) {
            fprintf(out, "%s%s", between, permission_name((enum permission)i));
            between = ", ";
        }
    }
    fputs(" |\n", out);
}

static void write_permissions(FILE *out)
{
    fputs("\n## Who may do what\n\n"
          "A permission has three parts, `product:role:resource`, and `*` stands for any. A route "
          "demands one of these:\n\n| permission | a key or user needs |\n|---|---|\n",
          out);
    for (int i = 0; i < PERMISSION_COUNT; i++) {
        if (!*permission_enough((enum permission)i))
            continue;
        fprintf(out, "| %s | ", permission_name((enum permission)i));
        write_code_list(out, permission_enough((enum permission)i), ' ', " or ");
        fputs(" |\n", out);
    }
    fputs("\nUNSIGNED is demanded if a number has an `api.secret` and a text or receipt comes "
          "without a signature.\n\nA key has the permissions with which it was made; a user has "
          "those of a role in GWS.\n\n"
          "| who | has | and may |\n|---|---|---|\n",
          out);
#define X(permission) write_holder(out, "a key", permission);
    API_KEY_PERMISSIONS(X)
#undef X
    // authority.c says the same.
    write_holder(out, "an administrator of one contact center (`ROLE_ADMIN`)", "nexus:admin:*");
    write_holder(out, "an operator, who acts for all of them (`ROLE_OPS`)", "nexus:admin:*");
    write_holder(out, "an agent (`ROLE_AGENT`)", "nexus:agent:chat");
    fputs("\nA key of a contact center acts for that one only. A cluster key belongs to no contact "
          "center and acts for all.\n",
          out);
}

// --- the endpoints ----------------------------------------------------------------------------

static const char *credentials_of(const struct route *route)
{
    return route->credentials == CREDENTIALS_BASIC ? "BASIC"
           : route->credentials == CREDENTIALS_KEY ? "KEY"
                                                   : "-";
}

static const char *permission_of(const struct route *route)
{
    return route->permission == PERMISSION_NOBODY ? "-" : permission_name(route->permission);
}

static void write_call(FILE *out, const struct route *route)
{
    static const char *const tenants[] = {[TENANTS_ONE] = "own",
                                          [TENANTS_ALL] = "own or all",
                                          [TENANTS_NAMED] = "named",
                                          [TENANTS_PLATFORM] = "all"};
    static const char *const envelopes[] = {
        [ENVELOPE_E1] = "E1", [ENVELOPE_E2] = "E2", [ENVELOPE_E3] = "E3"};

    fprintf(out, "| %s `%.*s` | %s | `%.*s` | %s | %s | %s | %s | %s | %s | %u ms | %s |\n",
            route_verb(route), STR_ARG(route->path), route->name,
            STR_ARG(message_type(route->message)->name), credentials_of(route),
            permission_of(route), tenants[route->tenants],
            route->documented ? "ignored" : "refused", envelopes[route->envelope],
            route->limited ? "limited" : "", route->deadline_ms, route->summary);
}

static void write_own(FILE *out, const struct route *route)
{
    fprintf(out, "| %s `%.*s` | %s | %s | %s | %s |\n", route_verb(route), STR_ARG(route->path),
            route->name, credentials_of(route), permission_of(route), route->summary);
}

void write_routes(FILE *out)
{
    write_columns(out);
    write_permissions(out);
    fputs(
        "\n## Answered by a worker\n\n"
        "| endpoint | id | message | credentials | permission | contact center | unknown fields "
        "| envelope | rate | deadline | meaning |\n|---|---|---|---|---|---|---|---|---|---|---|\n",
        out);
    for (int id = 0; id < ROUTE_COUNT; id++)
        if (!route_of((enum route_id)id)->own)
            write_call(out, route_of((enum route_id)id));
    fputs("\n## Answered by the gateway itself\n\n"
          "| endpoint | id | credentials | permission | meaning |\n|---|---|---|---|---|\n",
          out);
    for (int id = 0; id < ROUTE_COUNT; id++)
        if (route_of((enum route_id)id)->own)
            write_own(out, route_of((enum route_id)id));
}
