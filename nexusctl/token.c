// token: how logs show somebody's number, for who looks for the lines about him.
#include "io/person.h"
#include "nexusctl/commands.h"
#include "store/secret.h"
#include "wire/phone.h"

static bool token(struct call *call, struct err *err)
{
    unsigned char key[PERSON_KEY_BYTES];
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
    struct log_person person = person_token(key, address);
    if (call->json) {
        json_open(&call->out, '{');
        json_key_str(&call->out, "token", log_person_text(&person));
        json_close(&call->out, '}');
    } else {
        buf_str_append(&call->out, log_person_text(&person));
    }
    buf_byte(&call->out, '\n');
    return true;
}

const struct command token_command = {
    .name = "token",
    .summary = "say how logs show a phone number",
    .usage = "[--json] NUMBER",
    .manual = "Logs hold no phone numbers and no e-mail addresses, but tokens of them, made with\n"
              "NEXUS_LOG_KEY. This prints the token of one, to search the logs for.",
    .examples = "  nexusctl token +15551230001\n"
                "  grep \"$(nexusctl token +15551230001)\" var/log/*/current",
    .arguments_limit = 1,
    .run = token,
    .offline = true,
};
