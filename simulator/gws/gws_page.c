// gws_page: the page where a user logs in, which redirects back with a code, and the log-out.
#include "base/clock.h"
#include "simulator/gws/gws_answer.h"

static void html_append(struct buf *html, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        switch (text.ptr[i]) {
        case '&': buf_str_append(html, STR("&amp;")); break;
        case '<': buf_str_append(html, STR("&lt;")); break;
        case '"': buf_str_append(html, STR("&quot;")); break;
        default: buf_byte(html, (unsigned char)text.ptr[i]);
        }
    }
}

static void url_append(struct buf *url, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.ptr[i];
        if ((byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
            (byte >= 'a' && byte <= 'z') || memchr("-._~", byte, 4))
            buf_byte(url, (unsigned char)byte);
        else
            buf_printf(url, "%%%02X", (unsigned char)byte);
    }
}

// The parameters of an authorization request; the form sends them back.
static const char *const carried[] = {
    "response_type", "client_id",  "redirect_uri",   "scope",
    "state",         "hideTenant", "code_challenge", "code_challenge_method"};

static const char page_top[] =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<title>Log in</title>\n<style>\n"
    "body { font: 16px/1.5 system-ui, sans-serif; max-width: 24rem; margin: 3rem auto; padding: 0 "
    "1rem; }\n"
    "label { display: block; margin-top: 1rem; }\n"
    "input { font: inherit; width: 100%; box-sizing: border-box; padding: .5rem; }\n"
    "button { font: inherit; margin-top: 1.5rem; padding: .5rem 1.5rem; }\n"
    "[role=alert] { color: #a40000; }\n"
    ".note { margin-top: 2rem; font-size: .875rem; }\ncode { overflow-wrap: anywhere; }\n"
    "</style></head><body><main>\n<h1>Log in</h1>\n";

static void page_form(struct http_request *request, struct buf *html)
{
    buf_str_append(html, STR("<form method=\"post\" action=\"/auth/v3/oauth/authorize\">\n"));
    for (size_t i = 0; i < COUNT_OF(carried); i++) {
        struct str value = gws_parameter(request, str_of(carried[i]));
        if (!str_present(value))
            continue;
        buf_printf(html, "<input type=\"hidden\" name=\"%s\" value=\"", carried[i]);
        html_append(html, value);
        buf_str_append(html, STR("\">\n"));
    }
    struct str username = gws_parameter(request, STR("username"));
    buf_str_append(html, STR("<label for=\"username\">User name</label>\n"
                             "<input id=\"username\" name=\"username\" autocomplete=\"username\" "
                             "autocapitalize=\"none\" spellcheck=\"false\" required autofocus "
                             "value=\""));
    html_append(html, username);
    buf_str_append(html, STR("\">\n<label for=\"password\">Password</label>\n"
                             "<input id=\"password\" name=\"password\" type=\"password\" "
                             "autocomplete=\"current-password\" required>\n"
                             "<button type=\"submit\">Log in</button>\n</form>\n"));
}

static void page_answer(struct simulator *simulator, struct http_request *request, int status,
                        const char *fault, bool with_form)
{
    AUTO(buf) html = {0};
    struct str ccid = simulator->config->ccid;

    buf_str_append(&html, str_of(page_top));
    if (fault)
        buf_printf(&html, "<p role=\"alert\">%s</p>\n", fault);
    if (with_form) {
        page_form(request, &html);
        buf_str_append(&html, STR("<p class=\"note\">This is the simulator. It knows the operator "
                                  "<code>ops</code> (password <code>ops</code>) and, in every "
                                  "contact center, the administrator <code>"));
        html_append(&html, ccid.len > 0 ? ccid : STR("contact-center-id"));
        buf_str_append(&html, STR("\\nexus</code> and the agents <code>\xe2\x80\xa6\\agent1</code> "
                                  "to <code>agent9</code> (password <code>nexus_password</code>)."
                                  "</p>\n"));
    }
    buf_str_append(&html, STR("</main></body></html>\n"));
    gws_answer(
        simulator, request, NULL,
        &(struct http_answer){.status = status,
                              .content_type = STR("text/html; charset=utf-8"),
                              .body = buf_str(&html),
                              .headers = {{"content-security-policy",
                                           STR("default-src 'none'; style-src 'unsafe-inline'; "
                                               "base-uri 'none'; frame-ancestors 'none'")},
                                          {"x-content-type-options", STR("nosniff")},
                                          {"referrer-policy", STR("no-referrer")},
                                          {"cache-control", STR("no-store")}}});
}

// Client and redirect URL: no redirect happens unless both are valid.
static const struct gws_client *client_of(struct simulator *simulator, struct http_request *request)
{
    const struct gws_client *client =
        gws_client_find(simulator->gws, gws_parameter(request, STR("client_id")));
    struct str type = gws_parameter(request, STR("response_type"));
    struct str challenge = gws_parameter(request, STR("code_challenge"));
    struct str method = gws_parameter(request, STR("code_challenge_method"));

    if (!client || !(client->grants & GWS_AUTHORIZATION_CODE))
        page_answer(simulator, request, 400, "No client with this name may use this log-in page.",
                    false);
    else if (!gws_client_redirects_to(client, gws_parameter(request, STR("redirect_uri"))))
        page_answer(simulator, request, 400, "The client is not registered for this redirect_uri.",
                    false);
    else if (!str_equal(type, STR("code")))
        page_answer(simulator, request, 400, "Only response_type=code is supported.", false);
    else if (str_present(challenge) && (challenge.len != GWS_CHALLENGE_LENGTH ||
                                        !str_present(method) || !str_equal(method, STR("S256"))))
        page_answer(simulator, request, 400,
                    "code_challenge must have 43 characters, and its method must be S256.", false);
    else
        return client;
    return NULL;
}

// GET /auth/v3/oauth/authorize
void on_gws_authorize(struct simulator *simulator, struct http_request *request, struct str rest)
{
    (void)rest;
    if (client_of(simulator, request))
        page_answer(simulator, request, 200, NULL, true);
}

static void send_to(struct simulator *simulator, struct http_request *request, struct str url)
{
    gws_answer(
        simulator, request, NULL,
        &(struct http_answer){.status = 302,
                              .headers = {{"location", url}, {"cache-control", STR("no-store")}}});
}

// POST /auth/v3/oauth/authorize: the submitted form.
void on_gws_authorize_post(struct simulator *simulator, struct http_request *request,
                           struct str rest)
{
    AUTO(buf) url = {0};
    const struct gws_client *client = client_of(simulator, request);
    struct str redirect_uri = gws_parameter(request, STR("redirect_uri"));
    struct str state = gws_parameter(request, STR("state"));
    struct str challenge = gws_parameter(request, STR("code_challenge"));
    struct gws_login user;
    struct err err;

    (void)rest;
    if (!client)
        return;
    if (!gws_log_in(simulator->gws, gws_parameter(request, STR("username")),
                    gws_parameter(request, STR("password")), &user, &err)) {
        page_answer(simulator, request, 401, "User name or password is wrong.", true);
        return;
    }
    struct gws_token code = {.kind = GWS_CODE, .user = user, .client = client, .login = id_new()};
    memcpy(code.redirect_uri, redirect_uri.ptr,
           redirect_uri.len); // it fits, because it was checked before
    if (challenge.len == GWS_CHALLENGE_LENGTH)
        memcpy(code.challenge, challenge.ptr, challenge.len);
    buf_str_append(&url, redirect_uri);
    buf_str_append(&url,
                   memchr(redirect_uri.ptr, '?', redirect_uri.len) ? STR("&code=") : STR("?code="));
    buf_str_append(
        &url,
        str_of(gws_token_new(simulator->gws, &code, GWS_CODE_LIFE_MS, clock_monotonic_ms())->text));
    if (str_present(state)) {
        buf_str_append(&url, STR("&state="));
        url_append(&url, state);
    }
    send_to(simulator, request, buf_str(&url));
}

// GET, POST /auth/v3/sign-out?redirectUri=: the bearer's log-in ends, with all its tokens.
void on_gws_sign_out(struct simulator *simulator, struct http_request *request, struct str rest)
{
    struct str redirect_uri = gws_parameter(request, STR("redirectUri"));
    const struct gws_token *token =
        gws_token_find(simulator->gws, GWS_ACCESS, gws_bearer(request), clock_monotonic_ms());

    (void)rest;
    if (token) {
        struct channel *channel = gws_channel(simulator, &token->user);
        CHANNEL_COUNT(channel, gws_sign_outs);
        gws_log_out(simulator->gws, token->login);
    }
    if (!str_present(redirect_uri))
        gws_answer_json(simulator, request, NULL, STR("{\"status\":{\"code\":0}}"));
    else if (gws_redirects_to(simulator->gws, redirect_uri))
        send_to(simulator, request, redirect_uri);
    else
        page_answer(simulator, request, 400, "No client is registered for this redirectUri.",
                    false);
}
