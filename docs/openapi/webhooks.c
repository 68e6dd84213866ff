// webhooks: see the header. sms-worker/providers/provider_async.c is what sends them.
#include "webhooks.h"

#include "schema.h"

static const struct {
    const char *name, *doc;
} headers[] = {
    {"webhook-id", "The message's id; the same in every attempt."},
    {"webhook-timestamp", "When this attempt was made, in seconds since 1970."},
    {"webhook-signature", "Standard Webhooks: v1 and the HMAC-SHA-256 of id, timestamp and body in "
                          "base64; two of them while the secret is rotated."},
    {"X-Hub-Signature", "sha1= and the HMAC-SHA-1 of the body in hexadecimal digits."},
    {"X-Hub-Signature-256", "sha256= and the HMAC-SHA-256 of the body in hexadecimal digits."},
    {"traceparent", "W3C trace context; names the attempt."},
    {"X-B3-TraceId", "The same trace in Zipkin's form."},
};

static const struct {
    const char *status, *doc;
} answers[] = {
    {"2XX", "The message was taken. A body is optional."},
    {"410", "The webhook is away: the message waits and is tried again slowly, as after 404."},
    {"4XX",
     "The message is refused for good, except 401, 403, 404, 408, 425 and 429, after which it "
     "is sent again."},
    {"5XX", "The message is sent again later, with growing distance, as after a timeout."},
};

static void parameters(struct buf *out)
{
    json_key(out, "parameters");
    json_open(out, '[');
    for (size_t i = 0; i < COUNT_OF(headers); i++) {
        json_open(out, '{');
        json_key_str(out, "name", str_of(headers[i].name));
        json_key_str(out, "in", STR("header"));
        json_key_str(out, "description", str_of(headers[i].doc));
        json_key_raw(out, "schema", STR("{\"type\":\"string\"}"));
        json_close(out, '}');
    }
    json_close(out, ']');
}

static void json_content(struct buf *out, const char *object, struct str example)
{
    json_key(out, "content");
    json_open(out, '{');
    json_key(out, "application/json");
    json_open(out, '{');
    json_key(out, "schema");
    schema_ref(out, "schemas", object);
    json_key_raw(out, "example", example);
    json_close(out, '}');
    json_close(out, '}');
}

static void responses(struct buf *out)
{
    json_key(out, "responses");
    json_open(out, '{');
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        json_key(out, answers[i].status);
        json_open(out, '{');
        json_key_str(out, "description", str_of(answers[i].doc));
        if (i == 0)
            json_content(out, "webhook_answer", STR("{\"messageId\":\"gw-7741\"}"));
        json_close(out, '}');
    }
    json_close(out, '}');
}

void webhooks_write(struct buf *out)
{
    json_open(out, '{');
    json_key(out, "message");
    json_open(out, '{');
    json_key(out, "post");
    json_open(out, '{');
    json_key_str(out, "operationId", STR("webhookMessage"));
    json_key_str(out, "summary", STR("A message to a consumer, for the customer's own gateway."));
    json_key_str(
        out, "description",
        STR("Sent to the webhook of the number from which an agent answers. The receiver has "
            "10 seconds to answer. A message may come more than once, always with the same id. "
            "docs/webhooks.md is the receiver's contract, docs/examples holds receivers."));
    json_key_raw(out, "tags", STR("[\"webhooks\"]"));
    json_key_raw(out, "security", STR("[]"));
    parameters(out);
    json_key(out, "requestBody");
    json_open(out, '{');
    json_key_bool(out, "required", true);
    json_content(
        out, "webhook_messages",
        STR("{\"messages\":[{\"id\":\"0199e6a0-7c3e-7a51-9d0e-3f6d2b8c1a44\",\"type\":"
            "\"sms\",\"from\":\"+18445551212\",\"to\":\"+15551230001\",\"conversationId\":"
            "\"0199e69f-11aa-7f02-8c1b-55d1c0a7be10\",\"sequence\":2,\"text\":\"It arrives "
            "at noon.\"}]}"));
    json_close(out, '}');
    responses(out);
    json_close(out, '}');
    json_close(out, '}');
    json_close(out, '}');
}
