// webhook_headers: see the header.
#include "provisioning/webhook_headers.h"

#include "wire/json/codec_json.h"

enum { NAME_LIMIT = 128, VALUE_LIMIT = 1024 };

// Headers that Nexus sets, and those that decide about framing, routing or our identity.
static const struct str reserved[] = {
    STR_INIT("accept-encoding"),
    STR_INIT("authorization"),
    STR_INIT("connection"),
    STR_INIT("content-encoding"),
    STR_INIT("content-length"),
    STR_INIT("content-type"),
    STR_INIT("cookie"),
    STR_INIT("expect"),
    STR_INIT("host"),
    STR_INIT("keep-alive"),
    STR_INIT("proxy-authorization"),
    STR_INIT("proxy-connection"),
    STR_INIT("te"),
    STR_INIT("traceparent"),
    STR_INIT("trailer"),
    STR_INIT("transfer-encoding"),
    STR_INIT("upgrade"),
    STR_INIT("user-agent"),
    STR_INIT("webhook-id"),
    STR_INIT("webhook-signature"),
    STR_INIT("webhook-timestamp"),
    STR_INIT("x-b3-sampled"),
    STR_INIT("x-b3-spanid"),
    STR_INIT("x-b3-traceid"),
    STR_INIT("x-hub-signature"),
    STR_INIT("x-hub-signature-256"),
};

// A token of RFC 9110.
static bool name_is_token(struct str name)
{
    if (name.len == 0 || name.len > NAME_LIMIT)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool alphanumeric =
            (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!alphanumeric && (c == '\0' || !strchr("!#$%&'*+-.^_`|~", c)))
            return false;
    }
    return true;
}

// Visible characters, blanks and bytes of UTF-8; no control characters, CR, LF or NUL.
static bool value_is_clean(struct str value)
{
    if (value.len > VALUE_LIMIT)
        return false;
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

bool webhook_header_is_allowed(struct str name, struct str value)
{
    if (!name_is_token(name) || !value_is_clean(value))
        return false;
    for (size_t i = 0; i < COUNT_OF(reserved); i++)
        if (str_equal_ignoring_case(name, reserved[i]))
            return false;
    return true;
}

bool webhook_headers_read(struct str json, struct arena *arena,
                          struct http_client_header headers[WEBHOOK_HEADERS_LIMIT], size_t *count,
                          size_t *refused, struct err *err)
{
    const struct json_view *object = NULL;
    if (!json_parse(json, arena, &object, err))
        return err_in(err, "static headers");

    *count = *refused = 0;
    struct str name;
    const struct json_view *member;
    for (size_t cursor = 0; json_object_next(object, &cursor, &name, &member);) {
        struct str value = json_text(member);
        if (*count == WEBHOOK_HEADERS_LIMIT || !str_present(value) ||
            !webhook_header_is_allowed(name, value)) {
            (*refused)++;
            continue;
        }
        headers[(*count)++] = (struct http_client_header){
            .name = arena_copy(arena, name),
            .value = arena_copy(arena, value),
        };
    }
    return true;
}
