// body_read: bytes with a declared type and encoding become a body. Documents must be what they are
// declared to be. Messages of people are read as what they evidently are: aggregators send whatever
// type their library sets, and repeat a refused request for ever.
#include "wire/body/body.h"

#include "text/query.h"

enum format { FORMAT_JSON, FORMAT_FORM, FORMAT_OTHER };

struct declared {
    enum format format;
    bool is_none;                  // no type at all
    const struct charset *charset; // NULL: none, or none that we know
};

static struct declared declared_read(struct str content_type)
{
    struct declared declared = {.format = FORMAT_OTHER, .charset = charset_of_type(content_type)};
    struct str type, parameters;

    if (!str_present(content_type) || str_trim(content_type).len == 0) {
        declared.is_none = true;
        return declared;
    }
    str_cut(content_type, ';', &type, &parameters);
    type = str_trim(type);
    if (str_equal_ignoring_case(type, STR("application/json")))
        declared.format = FORMAT_JSON;
    else if (str_equal_ignoring_case(type, STR("application/x-www-form-urlencoded")))
        declared.format = FORMAT_FORM;
    return declared;
}

// The whole body in UTF-8. The pairs of a form stay in their encoding; *charset says which it is.
static struct str whole_decode(struct str bytes, enum format format, const struct charset **charset,
                               struct buf *decoded)
{
    const struct charset *marked = charset_of_mark(&bytes);
    const struct charset *whole = marked ? marked : format == FORMAT_FORM ? NULL : *charset;

    if (marked)
        *charset = marked;
    if (format == FORMAT_JSON && !marked && charset_is_utf16(whole)) {
        // It means the encoding of the text on the phone network: real UTF-16 has zero bytes, by
        // which charset_of_mark() would have recognised it.
        *charset = NULL;
        return bytes;
    }
    if (!whole || charset_is_utf8(whole))
        return bytes;
    charset_decode(whole, bytes, decoded);
    *charset = charset_find(STR("utf-8"));
    return buf_str(decoded);
}

static bool is_read(const void *context, struct str wrapper, struct str name)
{
    const struct str data = STR("data");

    if (str_present(wrapper))
        return !str_equal(wrapper, data) || body_type_reads(context, data) ||
               body_type_reads(context, name);
    return body_type_reads(context, name) || str_equal(name, data) ||
           str_equal(name, STR("operationId"));
}

void body_set_query(struct body *body, struct str query, const struct message_type *type)
{
    struct tree_reading what = {.manner = TREE_LENIENT, .is_read = is_read, .context = type};
    struct err too_many;

    if (!str_present(query) || tree_from_form(query, &what, body->arena, &body->set, &too_many))
        return;
    body->set = (struct json_view){.kind = TREE_OBJECT}; // more than 1000 pairs: not read
}

// A form's field _charset_ says in which encoding a browser wrote it.
static const struct charset *form_charset(struct str text, const struct charset *declared)
{
    struct query_pair pair;

    while (!declared && query_cut(&text, &pair))
        if (str_present(pair.value) && str_equal(pair.name, STR("_charset_")))
            return charset_find(pair.value);
    return declared;
}

static char first_byte(struct str text)
{
    text = str_trim(text);
    while (text.len > 0 && (text.ptr[0] == '\r' || text.ptr[0] == '\n'))
        text = str_trim(str_skip(text, 1));
    return text.len > 0 ? text.ptr[0] : '\0';
}

// Removes what programs add after a body: the NUL of a string, a line end.
static struct str end_trimmed(struct str text)
{
    while (text.len > 0 && (text.ptr[text.len - 1] == '\0' || text.ptr[text.len - 1] == '\r' ||
                            text.ptr[text.len - 1] == '\n'))
        text.len--;
    return text;
}

static bool lenient_read(struct str bytes, struct declared declared,
                         const struct message_type *type, struct body **body, struct err *err)
{
    AUTO(buf) decoded = {0};
    struct str text = whole_decode(bytes, declared.format, &declared.charset, &decoded);
    text = end_trimmed(text);
    char first = first_byte(text);
    bool looks_json = first == '{' || first == '[';
    bool looks_form = !looks_json && text.len > 0 && first != '<' && first != '-' &&
                      memchr(text.ptr, '=', text.len);

    if (!looks_json && !looks_form && declared.format == FORMAT_OTHER)
        return err_set(err, ERR_UNSUPPORTED_MEDIA,
                       "Content-Type is application/json or application/x-www-form-urlencoded");
    // Encodings that agree with ASCII where JSON needs it are not converted, if the type is not
    // JSON.
    AUTO(buf) again = {0};
    if (looks_json && declared.format == FORMAT_FORM && declared.charset &&
        !charset_is_utf8(declared.charset)) {
        charset_decode(declared.charset, text, &again);
        text = buf_str(&again);
    }
    struct tree_reading what = {.manner = TREE_LENIENT, .is_read = is_read, .context = type};
    if (looks_json || (declared.format == FORMAT_JSON && !looks_form))
        return body_of_json(text, &what, body, err);
    what.charset = form_charset(text, declared.charset);
    return body_of_form(text, &what, body, err);
}

bool body_from_bytes(struct str bytes, struct str content_type, const struct message_type *type,
                     enum body_strictness strictness, struct body **body, struct err *err)
{
    struct declared declared = declared_read(content_type);
    struct tree_reading what = {.manner = TREE_STRICT};
    AUTO(buf) decoded = {0};

    if (strictness == BODY_LENIENT)
        return lenient_read(bytes, declared, type, body, err);
    if (declared.is_none)
        return err_set(err, ERR_UNSUPPORTED_MEDIA, "a body needs a Content-Type");
    if (declared.format == FORMAT_OTHER)
        return err_set(err, ERR_UNSUPPORTED_MEDIA,
                       "Content-Type is application/json or application/x-www-form-urlencoded");
    struct str text = whole_decode(bytes, declared.format, &declared.charset, &decoded);
    if (declared.format == FORMAT_JSON)
        return body_of_json(text, &what, body, err);
    what.charset = declared.charset;
    return body_of_form(text, &what, body, err);
}
