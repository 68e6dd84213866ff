// verify: checks the signature headers of a request, and shows what should have been signed.
#include "base/clock.h"
#include "crypto/crypto.h"
#include "nexusctl/cli/secret_option.h"
#include "nexusctl/commands.h"
#include "secrets/signature.h"

#include <stdlib.h>

static bool header_check(struct str value, struct err *err)
{
    return (memchr(value.ptr, ':', value.len) && value.ptr[0] != ':') ||
           err_set(err, ERR_BAD_INPUT, "must be NAME: VALUE");
}

enum { HEADER = SECRET_OPTIONS };
static const struct option options[] = {
    SECRET_OPTION_ROWS,
    [HEADER] = {"--header", "-H", "'NAME: VALUE'", .rule = header_check,
                .doc = "A header of the request; repeat it for each.", .repeats = true},
};

enum { CLOCK_SKEW_S = 300 };

static struct str header_find(const struct call *call, struct str wanted)
{
    struct str line, name, value;
    size_t cursor = 0;

    while (option_next(call, HEADER, &cursor, &line))
        if (str_cut(line, ':', &name, &value) && str_equal_ignoring_case(str_trim(name), wanted))
            return str_trim(value);
    return STR_ABSENT;
}

struct header_check {
    const char *name; // of the header
    bool present, right;
    struct buf text; // that is signed
};

static void check_hub(const struct call *call, struct header_check *check,
                      void (*signature)(struct str, struct str, struct buf *), struct str secret,
                      struct str body)
{
    struct str value = header_find(call, str_of(check->name));
    AUTO(buf) expected = {0};

    signature(secret, body, &expected);
    check->present = str_present(value);
    check->right = crypto_equal(value, buf_str(&expected));
    buf_str_append(&check->text, body);
}

static void check_standard(const struct call *call, struct header_check *check, struct str secret,
                           struct str body)
{
    struct str rest = header_find(call, STR("webhook-signature")), value;
    struct str id = header_find(call, STR("webhook-id"));
    int64_t timestamp_s = 0;
    AUTO(buf) expected = {0};

    // Without a number the signature is wrong, like one of second 0.
    (void)!str_to_int(header_find(call, STR("webhook-timestamp")), 0, INT64_MAX, &timestamp_s);
    signature_standard(&secret, 1, id, timestamp_s, body, &expected);
    signature_standard_text(id, timestamp_s, body, &check->text);
    check->present = str_present(rest);
    while (str_present(rest)) { // one value for each secret while it is rotated
        str_cut(rest, ' ', &value, &rest);
        check->right |= crypto_equal(value, buf_str(&expected));
    }
}

static void check_print(const struct header_check *check, struct buf *out)
{
    if (!check->present)
        return;
    buf_printf(out, "%s: %s\n", check->name, check->right ? "right" : "WRONG");
    signed_print(buf_str(&check->text), out);
}

static void check_write(const struct header_check *check, struct buf *out)
{
    if (!check->present)
        return;
    json_key(out, check->name);
    json_open(out, '{');
    json_key_bool(out, "right", check->right);
    json_key_str(out, "signed", buf_str(&check->text));
    json_close(out, '}');
}

// A valid signature of another time would still be refused by a receiver that checks the time.
static void age_print(const struct call *call, struct buf *out)
{
    int64_t then, now = clock_unix_us() / 1000000;

    if (str_to_int(header_find(call, STR("webhook-timestamp")), 0, INT64_MAX / 2, &then) &&
        llabs(now - then) > CLOCK_SKEW_S)
        buf_printf(out, "webhook-timestamp is %lld s from now; receivers allow %d\n",
                   llabs(now - then), CLOCK_SKEW_S);
}

static bool verify(struct call *call, struct err *err)
{
    struct header_check checks[] = {{.name = "X-Hub-Signature"},
                                    {.name = "X-Hub-Signature-256"},
                                    {.name = "webhook-signature"}};
    size_t present = 0, right = 0;
    struct str secret, body;

    if (!secret_option_read(call, &secret, err) || !body_read(call, &body, err))
        return false;
    check_hub(call, &checks[0], signature_hub_sha1, secret, body);
    check_hub(call, &checks[1], signature_hub_sha256, secret, body);
    check_standard(call, &checks[2], secret, body);

    if (call->json)
        json_open(&call->out, '{');
    for (size_t i = 0; i < COUNT_OF(checks); i++) {
        present += checks[i].present;
        right += checks[i].present && checks[i].right;
        (call->json ? check_write : check_print)(&checks[i], &call->out);
        buf_release(&checks[i].text);
    }
    if (call->json) {
        json_close(&call->out, '}');
        buf_byte(&call->out, '\n');
    } else {
        age_print(call, &call->out);
    }
    if (present == 0)
        return usage_set(call, err,
                         "no signature is given: give --header 'X-Hub-Signature: sha1=…'");
    call->verdict = right == present ? EXIT_DONE : EXIT_FAILED;
    return true;
}

const struct command verify_command = {
    .name = "verify",
    .summary = "check the signature headers of a request",
    .usage = "--secret-file FILE --header 'NAME: VALUE'... [BODY-FILE]",
    .manual =
        "Says of each signature header whether it is right for this body and secret, and shows\n"
        "the string that must be signed. Common mistakes are an added newline, and JSON that\n"
        "was parsed and written again. X-Hub-Signature and X-Hub-Signature-256 sign the body;\n"
        "webhook-signature signs webhook-id, webhook-timestamp and body with dots between them.\n"
        "The exit code is 1 if one is wrong.",
    .examples =
        "  nexusctl verify --secret Secret -H 'X-Hub-Signature: sha1=6a7a06...' body.json\n"
        "  nexusctl verify --secret-file secret.txt -H 'webhook-id: msg_1' \\\n"
        "    -H 'webhook-timestamp: 1761000000' -H 'webhook-signature: v1,K5oZ...' body.json",
    .options = options,
    .option_count = COUNT_OF(options),
    .arguments_limit = 1,
    .run = verify,
    .offline = true,
};
