// sign: the signature headers that Nexus would send with a body.
#include "base/clock.h"
#include "nexusctl/commands.h"
#include "nexusctl/secret_option.h"
#include "store/signature.h"

enum { ID = SECRET_OPTIONS, TIMESTAMP };
static const struct option options[] = {
    SECRET_OPTION_ROWS,
    [ID] = {"--id", NULL, "ID", "webhook-id; msg_test when left out."},
    [TIMESTAMP] = {"--timestamp", NULL, "SECONDS", "webhook-timestamp; now when left out."},
};

struct header {
    const char *name;
    struct str value;
};

static void headers_print(const struct header *headers, size_t count, bool json, struct buf *out)
{
    if (json)
        json_open(out, '{');
    for (size_t i = 0; i < count; i++) {
        if (json)
            json_key_str(out, headers[i].name, headers[i].value);
        else
            buf_printf(out, "%s: %.*s\n", headers[i].name, STR_ARG(headers[i].value));
    }
    if (json) {
        json_close(out, '}');
        buf_byte(out, '\n');
    }
}

static bool sign(struct call *call, struct err *err)
{
    struct str id = option_given(call, ID) ? option_text(call, ID) : STR("msg_test");
    int64_t seconds = clock_unix_us() / 1000000;
    AUTO(buf) sha1 = {0};
    AUTO(buf) sha256 = {0};
    AUTO(buf) standard = {0};
    struct str secret, body;

    if (!option_number(call, TIMESTAMP, 0, INT64_MAX, &seconds, err) ||
        !secret_option_read(call, &secret, err) || !body_read(call, &body, err))
        return false;
    struct str timestamp = arena_printf(call->arena, "%lld", (long long)seconds);
    signature_hub_sha1(secret, body, &sha1);
    signature_hub_sha256(secret, body, &sha256);
    signature_standard(&secret, 1, id, seconds, body, &standard);

    const struct header headers[] = {
        {"X-Hub-Signature", buf_str(&sha1)},
        {"X-Hub-Signature-256", buf_str(&sha256)},
        {"webhook-id", id},
        {"webhook-timestamp", timestamp},
        {"webhook-signature", buf_str(&standard)},
    };
    headers_print(headers, COUNT_OF(headers), call->json, &call->out);
    return true;
}

const struct command sign_command = {
    .name = "sign",
    .summary = "sign a body as a webhook is signed",
    .usage = "--secret-file FILE [--id ID] [--timestamp SECONDS] [BODY-FILE]",
    .manual =
        "Prints the signature headers that Nexus sends with this body, and accepts with it on\n"
        "its own channels. The body is taken byte for byte: a newline at its end counts.",
    .examples =
        "  printf '{\"messages\":[{\"text\":\"hi\"}]}' | nexusctl sign --secret Secret\n"
        "  nexusctl sign --secret-file secret.txt --id msg_1 --timestamp 1761000000 body.json",
    .options = options,
    .option_count = COUNT_OF(options),
    .arguments_limit = 1,
    .run = sign,
};
