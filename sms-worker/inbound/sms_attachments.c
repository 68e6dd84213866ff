// sms_attachments: see the header.
#include "sms-worker/inbound/sms_attachments.h"

#include "base/buf.h"
#include "base/id.h"
#include "text/charset.h"
#include "wire/json/codec_json.h"

enum { CONTENT_TYPE_LIMIT = 128, NAME_LIMIT = 255 };

#define OCTETS "application/octet-stream"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v';
}

static struct str blanks_trimmed(struct str text)
{
    while (text.len > 0 && is_blank(text.ptr[0]))
        text = str_skip(text, 1);
    while (text.len > 0 && is_blank(text.ptr[text.len - 1]))
        text.len--;
    return text;
}

// ---- forms of base64

// Blanks that break base64 into lines have equal distances. Other blanks are "+" that were not
// escaped in a form.
static bool blanks_are_breaks(struct str text)
{
    size_t line = 0, first = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != ' ') {
            line++;
            continue;
        }
        if (first == 0)
            first = line;
        if (line == 0 || line != first || line % 4 != 0)
            return false;
        line = 0;
    }
    return line <= first || first == 0;
}

static bool content_decode(struct str text, struct buf *bytes)
{
    AUTO(buf) plain = {0};

    text = blanks_trimmed(text);
    bool breaks = blanks_are_breaks(text);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == ' ' && !breaks)
            c = '+';
        if (!is_blank(c))
            buf_byte(&plain, (unsigned char)(c == '-' ? '+' : c == '_' ? '/' : c));
    }
    while (plain.len > 0 && plain.data[plain.len - 1] == '=')
        plain.len--;
    return buf_unbase64(bytes, buf_str(&plain));
}

// "data:image/png;base64,…" (RFC 2397). *type stays as it is where the URL has none.
static bool data_url_decode(struct str url, struct str *type, struct buf *bytes)
{
    struct str head, data;

    if (!str_cut(str_skip(url, sizeof "data:" - 1), ',', &head, &data))
        return false;
    const struct str mark = STR(";base64");
    bool base64 =
        head.len >= mark.len && str_equal_ignoring_case(str_skip(head, head.len - mark.len), mark);
    if (base64)
        head.len -= mark.len;
    if (head.len > 0)
        *type = head;
    return base64 ? content_decode(data, bytes) : buf_percent_decode(bytes, data, false);
}

static bool is_link(struct str text)
{
    return str_starts_ignoring_case(text, STR("http://")) ||
           str_starts_ignoring_case(text, STR("https://"));
}

// ---- one attachment

// A type and a subtype, perhaps parameters, in printable ASCII: it is shown, and sent as a header.
static struct str media_type(struct str type)
{
    size_t slashes = 0;

    type = str_trim(type);
    for (size_t i = 0; i < type.len; i++) {
        if (type.ptr[i] < 0x20 || type.ptr[i] == 0x7f)
            return STR(OCTETS);
        slashes += type.ptr[i] == '/' && i > 0 && i + 1 < type.len;
    }
    return type.len > 0 && type.len <= CONTENT_TYPE_LIMIT && slashes > 0 ? type : STR(OCTETS);
}

// name: of the file; empty where it has none.
static void head_write(struct buf *out, struct str type, struct str name)
{
    json_open(out, '{');
    json_key_str(out, "content_type", type);
    if (name.len > 0 && name.len <= NAME_LIMIT)
        json_key_str(out, "name", name);
}

static void attachment_write(struct buf *out, struct str type, struct str name, struct str bytes)
{
    AUTO(buf) content = {0};

    buf_base64(&content, bytes);
    head_write(out, type, name);
    json_key_str(out, "content", buf_str(&content));
    json_close(out, '}');
}

// {"upload":…,"stream":…,"bytes":…}: a large content that came before (wire/body/body_scan.h). A
// forged one names an upload that does not exist.
static bool is_upload(const struct json_view *content)
{
    struct id upload;
    int64_t number;

    for (size_t i = 0; i < 2; i++) {
        const struct json_view *value = json_member(content, i ? "stream" : "bytes");
        if (!json_number(value, &number) && !str_to_int(json_text(value), 0, INT32_MAX, &number))
            return false;
        if (number < 0 || number > (i ? INT16_MAX : INT32_MAX))
            return false;
    }
    return id_parse(json_text(json_member(content, "upload")), &upload);
}

static void upload_write(struct buf *out, struct str type, struct str name,
                         const struct json_view *content, struct arena *arena)
{
    bool broken = json_kind(json_member(content, "broken")) != TREE_NULL;

    head_write(out, broken ? STR(UNREADABLE_TYPE) : media_type(type), name);
    json_key_raw(out, "content", json_compact(content, arena));
    json_close(out, '}');
}

static struct str member_text(const struct json_view *element, const char *name, const char *other)
{
    struct str text = json_text(json_member(element, name));
    return text.len > 0 ? text : json_text(json_member(element, other));
}

// Writes the attachment whose content is this text: base64 or a data: URL. False: it is neither.
static bool text_write(struct buf *out, struct str text, struct str type, struct str name)
{
    AUTO(buf) bytes = {0};
    bool good = str_starts_ignoring_case(text, STR("data:")) ? data_url_decode(text, &type, &bytes)
                                                             : content_decode(text, &bytes);

    if (good)
        attachment_write(out, media_type(type), name, buf_str(&bytes));
    return good;
}

static void element_write(struct buf *out, const struct json_view *element, struct arena *arena)
{
    struct str type = member_text(element, "content_type", "contentType");
    struct str name = member_text(element, "name", "filename");
    const struct json_view *content = json_member(element, "content");
    struct str text = json_text(content), alone = blanks_trimmed(json_text(element));
    struct str link = is_link(alone) ? alone : member_text(element, "url", "media_url");

    if (is_upload(content))
        upload_write(out, type, name, content, arena);
    else if (is_link(link) && !str_present(text))
        attachment_write(out, STR("text/uri-list"), name, link);
    else if (json_kind(element) == TREE_TEXT && str_starts_ignoring_case(alone, STR("data:")) &&
             text_write(out, alone, STR(OCTETS), name))
        return;
    else if (!str_present(text) || !text_write(out, text, type, name))
        attachment_write(out, STR(UNREADABLE_TYPE), name,
                         str_present(text) ? text : json_compact(element, arena));
}

// An empty element is not an attachment.
static bool is_nothing(const struct json_view *view)
{
    size_t cursor = 0;
    struct str name;
    const struct json_view *member;

    switch (json_kind(view)) {
    case TREE_NULL: return true;
    case TREE_TEXT: return blanks_trimmed(json_text(view)).len == 0;
    case TREE_OBJECT: return !json_object_next(view, &cursor, &name, &member);
    case TREE_ARRAY: return !json_element(view, 0);
    case TREE_BOOL:
    case TREE_INTEGER:
    case TREE_REAL: break;
    }
    return false;
}

// In a form: mms_attachment=[{"content_type":…}]
static const struct json_view *text_opened(const struct json_view *view, struct arena *arena)
{
    struct str text = blanks_trimmed(json_text(view));
    const struct json_view *inside;
    struct err err;

    if (text.len == 0 || (text.ptr[0] != '[' && text.ptr[0] != '{') ||
        !json_parse(text, arena, &inside, &err))
        return view;
    return inside;
}

// {"0":{…},"1":{…}}, as some languages write lists.
static bool is_numbered(const struct json_view *view)
{
    size_t cursor = 0, count = 0;
    int64_t number;
    struct str name;
    const struct json_view *member;

    for (; json_object_next(view, &cursor, &name, &member); count++)
        if (!str_to_int(name, 0, INT32_MAX, &number))
            return false;
    return count > 0;
}

static void list_write(struct buf *out, const struct json_view *view, struct arena *arena)
{
    size_t cursor = 0;
    struct str name;
    const struct json_view *element;

    if (json_kind(view) == TREE_ARRAY) {
        for (size_t i = 0; (element = json_element(view, i)); i++)
            if (!is_nothing(element))
                element_write(out, element, arena);
    } else if (is_numbered(view)) {
        while (json_object_next(view, &cursor, &name, &element))
            if (!is_nothing(element))
                element_write(out, element, arena);
    } else if (!is_nothing(view)) {
        element_write(out, view, arena);
    }
}

struct str sms_attachments(struct arena *arena, struct str list)
{
    const struct json_view *view;
    AUTO(buf) out = {0};
    struct err err;

    json_open(&out, '[');
    if (list.len == 0)
        return STR_ABSENT;
    if (json_parse(list, arena, &view, &err))
        list_write(&out, text_opened(view, arena), arena);
    else // impossible: the gateway wrote it
        attachment_write(&out, STR(UNREADABLE_TYPE), STR_ABSENT, list);
    json_close(&out, ']');
    return out.len > 2 ? arena_copy(arena, buf_str(&out)) : STR_ABSENT;
}

// ---- the text among attachments

static bool is_plain_text(struct str type)
{
    struct str kind, parameters;

    str_cut(type, ';', &kind, &parameters);
    return str_equal_ignoring_case(str_trim(kind), STR("text/plain"));
}

static struct str text_of(const struct json_view *element, struct arena *arena)
{
    const struct charset *declared =
        charset_of_type(json_text(json_member(element, "content_type")));
    AUTO(buf) bytes = {0};
    AUTO(buf) text = {0};

    if (!content_decode(json_text(json_member(element, "content")), &bytes))
        return STR_ABSENT;
    struct str said = buf_str(&bytes);
    const struct charset *marked = charset_of_mark(&said);
    charset_decode(marked ? marked : declared, said, &text);
    if (blanks_trimmed(buf_str(&text)).len == 0 || text.len > ATTACHMENT_TEXT_MAX)
        return STR_ABSENT;
    return arena_copy(arena, buf_str(&text));
}

struct str sms_attachments_text(struct arena *arena, struct str kept)
{
    const struct json_view *view, *element, *found = NULL;
    struct err err;

    if (kept.len == 0 || !json_parse(kept, arena, &view, &err))
        return STR_ABSENT;
    for (size_t i = 0; (element = json_element(view, i)); i++) {
        if (!is_plain_text(json_text(json_member(element, "content_type"))))
            continue;
        if (found)
            return STR_ABSENT;
        found = element;
    }
    return json_text(json_member(found, "content")).len > 0 ? text_of(found, arena) : STR_ABSENT;
}
