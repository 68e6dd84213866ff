// token: prints the token by which logs show a phone number, to find the lines about it.
#include "nexusctl/commands.h"
#include "secrets/log_token.h"
#include "secrets/secret.h"
#include "text/phone.h"

static bool token(struct call *call, struct err *err)
{
    unsigned char key[LOG_TOKEN_KEY_BYTES];
    char normal[PHONE_MAX];
    size_t length;

    if (call->argument_count == 0)
        return usage_set(call, err,
                         "no address is given: give a phone number or an e-mail address");
    struct str address = call->arguments[0];
    if (!memchr(address.ptr, '@', address.len)) {
        if (!phone_normalize(address, normal, &length))
            return usage_set(call, err, "%.*s: " PHONE_RULE, STR_ARG(address));
        address = str_make(normal, length);
    }
    if (!secret_key_parse("NEXUS_LOG_KEY", call->settings.log_key, key, err))
        return false;
    struct log_token person = log_token_make(key, address);
    if (call->json) {
        json_open(&call->out, '{');
        json_key_str(&call->out, "token", log_token_text(&person));
        json_close(&call->out, '}');
    } else {
        buf_str_append(&call->out, log_token_text(&person));
    }
    buf_byte(&call->out, '\n');
    return true;
}

const struct command token_command = {
    .name = "token",
    .summary = "show the token that logs use for a phone number",
    .usage = "[--json] NUMBER",
    .manual =
        "Logs have tokens instead of phone numbers and e-mail addresses. Tokens are made with\n"
        "NEXUS_LOG_KEY. This command prints the token of an address, so that you can search the\n"
        "logs for it.",
    .examples = "  nexusctl token +15551230001\n"
                "  grep \"$(nexusctl token +15551230001)\" var/log/*/current",
    .arguments_limit = 1,
    .run = token,
    .offline = true,
};
