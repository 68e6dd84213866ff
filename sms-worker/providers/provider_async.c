#include "sms-worker/providers/provider_async.h"

#include "base/panic.h"
#include "secrets/signature.h"
#include "wire/json/codec_json.h"

#include <strings.h>

enum { PROVIDER_ID_LIMIT = 128 };

static void write_body(const struct outgoing *message, struct buf *body)
{
    json_open(body, '{');
    json_key(body, "messages");
    json_open(body, '[');
    json_open(body, '{');
    json_key_id(body, "id", message->id);
    json_key_str(body, "type", STR("sms"));
    json_key_str(body, "from", message->from);
    json_key_str(body, "to", message->to);
    if (!id_is_none(message->conversation)) {
        json_key_id(body, "conversationId", message->conversation);
        json_key_int(body, "sequence", message->sequence);
    }
    json_key_str(body, "text", message->text);
    if (str_present(message->content))
        json_key_raw(body, "content", message->content);
    json_close(body, '}');
    json_close(body, ']');
    json_close(body, '}');
}

static void add_header(struct provider_request *request, struct str name, struct str value)
{
    ASSERT(request->header_count < PROVIDER_HEADERS_LIMIT);
    request->headers[request->header_count++] =
        (struct http_client_header){.name = name, .value = value};
}

static void add_signatures(const struct outgoing *message, const struct webhook *webhook,
                           int64_t now_s, struct provider_request *request)
{
    struct arena *arena = request->arena;
    struct str body = buf_str(&request->body);
    char id[ID_TEXT_LENGTH + 1];
    id_text(message->id, id);
    struct str id_copy = arena_copy(arena, str_make(id, ID_TEXT_LENGTH));
    add_header(request, STR("webhook-id"), id_copy);
    add_header(request, STR("webhook-timestamp"), arena_printf(arena, "%lld", (long long)now_s));
    if (webhook->secret_count == 0)
        return;

    AUTO(buf) text = {0};
    signature_hub_sha1(webhook->secrets[0], body, &text);
    add_header(request, STR("X-Hub-Signature"), arena_copy(arena, buf_str(&text)));
    buf_clear(&text);
    signature_hub_sha256(webhook->secrets[0], body, &text);
    add_header(request, STR("X-Hub-Signature-256"), arena_copy(arena, buf_str(&text)));
    buf_clear(&text);
    signature_standard(webhook->secrets, webhook->secret_count, id_copy, now_s, body, &text);
    add_header(request, STR("webhook-signature"), arena_copy(arena, buf_str(&text)));
}

// Tracing on the other side, in either style, continues below this attempt.
static void add_trace(const struct outgoing *message, struct provider_request *request)
{
    char text[TRACE_PARENT_LENGTH];
    struct arena *arena = request->arena;

    add_header(request, STR("traceparent"), arena_copy(arena, trace_text(&message->trace, text)));
    add_header(request, STR("X-B3-TraceId"),
               arena_copy(arena, trace_id_text(&message->trace, text)));
    add_header(request, STR("X-B3-SpanId"),
               arena_copy(arena, trace_span_text(message->trace.span, text)));
    add_header(request, STR("X-B3-Sampled"),
               message->trace.flags & TRACE_SAMPLED ? STR("1") : STR("0"));
}

static void build(const struct outgoing *message, const struct webhook *webhook, int64_t now_s,
                  struct provider_request *request)
{
    buf_clear(&request->body);
    request->header_count = 0;
    write_body(message, &request->body);
    add_header(request, STR("Content-Type"), STR("application/json"));
    add_signatures(message, webhook, now_s, request);
    add_trace(message, request);
    for (size_t i = 0; i < webhook->header_count; i++)
        add_header(request, webhook->headers[i].name, webhook->headers[i].value);
}

// An answer without a readable messageId is accepted: its receipts can still name our own id.
static struct str provider_id_of(struct str body, struct arena *arena)
{
    const struct json_view *view = NULL;
    struct err err;
    if (!json_parse(body, arena, &view, &err))
        return STR_ABSENT;
    const struct json_view *member = json_member(view, "messageId");
    int64_t number = 0;
    struct str id = json_number(member, &number) ? arena_printf(arena, "%lld", (long long)number)
                                                 : json_text(member);
    return id.len >= 1 && id.len <= PROVIDER_ID_LIMIT ? id : STR_ABSENT;
}

// Anywhere in the answer, in upper or lower case.
static bool names(struct str body, struct id id)
{
    char text[ID_TEXT_LENGTH + 1];

    id_text(id, text);
    for (size_t at = 0; at + ID_TEXT_LENGTH <= body.len; at++)
        if (strncasecmp(body.ptr + at, text, ID_TEXT_LENGTH) == 0)
            return true;
    return false;
}

// A 409 that names the message means that the other side already has it.
static struct provider_verdict judge(const struct outgoing *message,
                                     const struct http_client_answer *answer, struct arena *arena)
{
    struct provider_verdict verdict = {.class = retry_class_of(answer->status)};
    if (answer->status == 409 && names(answer->body, message->id))
        verdict.class = RETRY_CLASS_OK;
    else
        verdict.conflict = answer->status == 409;
    if (verdict.class == RETRY_CLASS_OK)
        verdict.provider_id = provider_id_of(answer->body, arena);
    return verdict;
}

const struct provider provider_async = {
    .name = STR_INIT("Async"),
    .build = build,
    .judge = judge,
};
