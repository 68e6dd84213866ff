// sign: the signature headers that Nexus would send with a body.
#include "base/clock.h"
#include "nexusctl/cli/secret_option.h"
#include "nexusctl/commands.h"
#include "secrets/signature.h"

enum { ID = SECRET_OPTIONS, TIMESTAMP, HEADERS };
static const struct option options[] = {
    SECRET_OPTION_ROWS,
    [ID] = {"--id", NULL, "TEXT", .doc = "webhook-id; msg_test when left out."},
    [TIMESTAMP] = {"--timestamp", NULL, "SECONDS", .maximum = INT64_MAX,
                   .doc = "webhook-timestamp; now when left out."},
    [HEADERS] = {"--headers", NULL, NULL, .doc = "Only the headers, as curl -H @- reads them."},
};

struct header {
    const char *name;
    struct str value;
    struct str text; // the signed text; absent for a header that is not a signature
};

static void headers_print(const struct header *headers, size_t count, bool only, struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        buf_printf(out, "%s: %.*s\n", headers[i].name, STR_ARG(headers[i].value));
        if (!only && str_present(headers[i].text))
            signed_print(headers[i].text, out);
    }
}

static void headers_write(const struct header *headers, size_t count, struct buf *out)
{
    json_open(out, '{');
    json_key(out, "headers");
    json_open(out, '{');
    for (size_t i = 0; i < count; i++)
        json_key_str(out, headers[i].name, headers[i].value);
    json_close(out, '}');
    json_key(out, "signed");
    json_open(out, '{');
    for (size_t i = 0; i < count; i++)
        if (str_present(headers[i].text))
            json_key_str(out, headers[i].name, headers[i].text);
    json_close(out, '}');
    json_close(out, '}');
    buf_byte(out, '\n');
}

static bool sign(struct call *call, struct err *err)
{
    struct str id = option_given(call, ID) ? option_text(call, ID) : STR("msg_test");
    int64_t seconds = option_number(call, TIMESTAMP, clock_unix_us() / 1000000);
    AUTO(buf) sha1 = {0};
    AUTO(buf) sha256 = {0};
    AUTO(buf) standard = {0};
    AUTO(buf) standard_text = {0};
    struct str secret, body;

    if (!secret_option_read(call, &secret, err) || !body_read(call, &body, err))
        return false;
    struct str timestamp = arena_printf(call->arena, "%lld", (long long)seconds);
    signature_hub_sha1(secret, body, &sha1);
    signature_hub_sha256(secret, body, &sha256);
    signature_standard(&secret, 1, id, seconds, body, &standard);
    signature_standard_text(id, seconds, body, &standard_text);

    const struct header headers[] = {
        {"X-Hub-Signature", buf_str(&sha1), body},
        {"X-Hub-Signature-256", buf_str(&sha256), body},
        {"webhook-id", id, STR_ABSENT},
        {"webhook-timestamp", timestamp, STR_ABSENT},
        {"webhook-signature", buf_str(&standard), buf_str(&standard_text)},
    };
    if (call->json)
        headers_write(headers, COUNT_OF(headers), &call->out);
    else
        headers_print(headers, COUNT_OF(headers), option_given(call, HEADERS), &call->out);
    return true;
}

const struct command sign_command = {
    .name = "sign",
    .summary = "sign a body like a webhook",
    .usage = "--secret-file FILE [--id ID] [--timestamp SECONDS] [--headers] [BODY-FILE]",
    .manual =
        "Prints the signature headers that Nexus sends with this body, and under each the\n"
        "string that was signed. Texts and receipts that are posted to a number with an\n"
        "api.secret are signed in the same way, with one of these headers or more. The body is\n"
        "signed byte for byte: a newline at its end counts. A secret of the form whsec_... is\n"
        "base64 of the key for webhook-signature.",
    .examples =
        "  printf '{\"messages\":[{\"text\":\"hi\"}]}' | nexusctl sign --secret Secret\n"
        "  nexusctl sign --secret-file secret.txt --id msg_1 --timestamp 1761000000 body.json\n"
        "  nexusctl sign --secret-file secret.txt --headers body.json |\n"
        "    curl -H @- -H 'Content-Type: application/json' -u CCID:KEY --data-binary @body.json "
        "\\\n"
        "         https://nexus.example.com/nexus/v3/sms/message",
    .options = options,
    .option_count = COUNT_OF(options),
    .arguments_limit = 1,
    .run = sign,
    .offline = true,
};
