// service_schema: walks over the document and compares it with the rows of services.def. pattern is
// the current place in the terms of the table ("data.channels[]"), path is the place in the
// document ("data.channels[3]").
#include "provisioning/service_schema.h"

#include "base/map.h"
#include "provisioning/rules.h"
#include "wire/json/shape.h"

enum { LIST_LIMIT = 10000, ROTATING_LIMIT = 2 };

static const struct document_part parts[] = {
#define SERVICE(...)
#define PART(of, where, what, how, some_choices, presence, text)                                   \
    {.service = SERVICE_KIND_##of,                                                                 \
     .path = where,                                                                                \
     .kind = PART_##what,                                                                          \
     .form = FORM_##how,                                                                           \
     .choices = some_choices,                                                                      \
     .required = (presence) == REQUIRED,                                                           \
     .doc = text},
#include "provisioning/services.def"
};

static const struct {
    struct str name;
    const char *doc;
} kinds[SERVICE_KIND_COUNT] = {
#define SERVICE(id, text, summary) [SERVICE_KIND_##id] = {STR_INIT(text), summary},
#define PART(...)
#include "provisioning/services.def"
};

struct service_reader {
    enum service_kind kind;
    bool https_only;
    const struct sealer *sealer;
    struct arena *arena;
    struct str
        owner; // owner of the secrets that are found: the service, or the channel of the list entry
};

// Where in document and table.
struct service_place {
    struct str pattern, path;
};

static bool object_read(struct service_reader *reader, struct service_place at,
                        const struct json_view *object, struct buf *out, struct err *err);

bool service_kind_named(struct str name, enum service_kind *kind)
{
    for (size_t i = 0; i < SERVICE_KIND_COUNT; i++) {
        if (str_equal(name, kinds[i].name)) {
            *kind = (enum service_kind)i;
            return true;
        }
    }
    return false;
}

struct str service_kind_name(enum service_kind kind)
{
    return kinds[kind].name;
}

const char *service_kind_doc(enum service_kind kind)
{
    return kinds[kind].doc;
}

const struct document_part *service_parts(size_t *count)
{
    *count = COUNT_OF(parts);
    return parts;
}

static struct service_place place_of(const struct service_reader *reader,
                                     struct service_place parent, struct str name)
{
    const char *text = arena_c_string(reader->arena, name);

    return (struct service_place){.pattern = shape_path(reader->arena, parent.pattern, text),
                                  .path = shape_path(reader->arena, parent.path, text)};
}

static const struct document_part *part_at(enum service_kind kind, struct str pattern)
{
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        if (parts[i].service == kind && str_equal(str_of(parts[i].path), pattern))
            return &parts[i];
    return NULL;
}

// The last name of a part that lies directly in parent; absent for any other.
static struct str name_in(struct str parent, const struct document_part *part)
{
    struct str path = str_of(part->path);

    if (parent.len > 0) {
        if (!str_starts(path, parent) || path.len == parent.len || path.ptr[parent.len] != '.')
            return STR_ABSENT;
        path = str_skip(path, parent.len + 1);
    }
    return memchr(path.ptr, '.', path.len) || memchr(path.ptr, '[', path.len) ? STR_ABSENT : path;
}

// ---- secrets

// "webhook" of "…webhook.secret", else the last name.
static struct str use_of(struct str pattern)
{
    struct str last = pattern, before = STR(""), head;

    for (struct str rest = pattern; str_present(rest);) {
        before = last;
        str_cut(rest, '.', &head, &rest);
        last = head;
    }
    return str_equal(last, STR("secret")) ? before : last;
}

static bool secret_seal(struct service_reader *reader, struct service_place at,
                        const struct json_view *view, struct buf *out, struct err *err)
{
    struct str plain;
    AUTO(buf) sealed = {0};
    struct err broken;

    if (!str_present(json_text(view)))
        return shape_fault(err, at.path, "must be a text, or a list of one or two");
    if (!form_read(FORM_SECRET, "", STR_ABSENT, json_text(view), reader->arena, &plain, &broken))
        return shape_fault(err, at.path, broken.text);
    if (!reader->sealer->seal(reader->sealer->context, reader->owner, use_of(at.pattern), plain,
                              &sealed, err))
        return false;
    json_str(out, buf_str(&sealed));
    return true;
}

static bool secret_read(struct service_reader *reader, struct service_place at,
                        const struct json_view *view, struct buf *out, struct err *err)
{
    size_t count = shape_length(view);

    if (json_kind(view) != TREE_ARRAY)
        return secret_seal(reader, at, view, out, err);
    if (count < 1 || count > ROTATING_LIMIT)
        return shape_fault(err, at.path, "must be a text, or a list of one or two");
    json_open(out, '[');
    for (size_t i = 0; i < count; i++) {
        struct service_place element = {.pattern = at.pattern,
                                        .path = shape_path_at(reader->arena, at.path, "", i)};
        if (!secret_seal(reader, element, json_element(view, i), out, err))
            return false;
    }
    json_close(out, ']');
    return true;
}

// ---- values, lists, objects

static bool value_read(struct service_reader *reader, const struct document_part *part,
                       struct service_place at, const struct json_view *view, struct buf *out,
                       struct err *err)
{
    struct str spelled;
    struct err broken;

    if (!str_present(json_text(view)))
        return shape_fault(err, at.path, "must be a text");
    if (!form_read(part->form, part->choices, at.pattern, json_text(view), reader->arena, &spelled,
                   &broken) ||
        (part->form == FORM_WEBHOOK && !webhook_https_check(spelled, reader->https_only, &broken)))
        return shape_fault(err, at.path, broken.text);
    json_str(out, spelled);
    return true;
}

// Sets the owner of an entry's secrets to its channel. value_read() reports a bad channelId.
static bool entry_owner(struct service_reader *reader, struct str path,
                        const struct json_view *entry, struct map *seen, struct err *err)
{
    struct str text = json_text(json_member(entry, "channelId"));
    struct err ignored;

    if (!str_present(text) ||
        !form_read(FORM_ADDRESS, "", STR_ABSENT, text, reader->arena, &reader->owner, &ignored))
        return true;
    if (map_put(seen, reader->owner, seen))
        return shape_fault(err, shape_path(reader->arena, path, "channelId"),
                           "is given twice in the list");
    return true;
}

static bool list_read(struct service_reader *reader, struct service_place at,
                      const struct json_view *list, struct buf *out, struct err *err)
{
    struct map *seen = map_new();
    struct str owner = reader->owner;
    struct str pattern = arena_printf(reader->arena, "%.*s[]", STR_ARG(at.pattern));
    bool good = (json_kind(list) == TREE_ARRAY && shape_length(list) <= LIST_LIMIT) ||
                shape_fault(err, at.path, "must be a list of at most 10000");

    json_open(out, '[');
    for (size_t i = 0; good && i < shape_length(list); i++) {
        struct service_place element = {.pattern = pattern,
                                        .path = shape_path_at(reader->arena, at.path, "", i)};
        good = entry_owner(reader, element.path, json_element(list, i), seen, err) &&
               object_read(reader, element, json_element(list, i), out, err);
    }
    json_close(out, ']');
    reader->owner = owner;
    map_free(&seen);
    return good;
}

static bool part_read(struct service_reader *reader, const struct document_part *part,
                      struct service_place at, const struct json_view *view, struct buf *out,
                      struct err *err)
{
    switch (part->kind) {
    case PART_VALUE: return value_read(reader, part, at, view, out, err);
    case PART_SECRET: return secret_read(reader, at, view, out, err);
    case PART_LIST: return list_read(reader, at, view, out, err);
    case PART_OBJECT: return object_read(reader, at, view, out, err);
    }
    return false;
}

static bool is_secret_entry(struct service_place at)
{
    return str_starts(at.pattern, STR("secret.")) && at.pattern.ptr[at.pattern.len - 1] == ']';
}

// In an entry of a list in "secret", an omitted member may already be stored; the database checks
// that.
static bool may_be_stored(const struct document_part *part, struct service_place at)
{
    return part->kind == PART_OBJECT && is_secret_entry(at);
}

static bool required_check(const struct service_reader *reader, struct service_place at,
                           const struct json_view *object, struct err *err)
{
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        struct str name = parts[i].service == reader->kind && parts[i].required
                              ? name_in(at.pattern, &parts[i])
                              : STR_ABSENT;
        if (str_present(name) && json_kind(json_member(object, name.ptr)) == TREE_NULL &&
            !may_be_stored(&parts[i], at))
            return shape_fault(err, place_of(reader, at, name).path, "missing");
    }
    return true;
}

// A secret that is left out stays as it is. In an entry of a list, null removes a secret that is
// optional.
static bool is_removed(const struct document_part *part, struct service_place at)
{
    return !part->required && is_secret_entry(at);
}

static bool object_read(struct service_reader *reader, struct service_place at,
                        const struct json_view *object, struct buf *out, struct err *err)
{
    const struct json_view *view;
    struct str name;
    size_t cursor = 0;

    if (json_kind(object) != TREE_OBJECT)
        return shape_fault(err, at.path, "must be an object");
    json_open(out, '{');
    while (json_object_next(object, &cursor, &name, &view)) {
        struct service_place member = place_of(reader, at, name);
        const struct document_part *part = part_at(reader->kind, member.pattern);
        if (!part)
            return shape_fault(err, member.path, "unknown");
        if (json_kind(view) == TREE_NULL) {
            if (is_removed(part, at)) {
                json_key(out, arena_c_string(reader->arena, name));
                buf_printf(out, "null");
            }
            continue;
        }
        json_key(out, arena_c_string(reader->arena, name));
        if (!part_read(reader, part, member, view, out, err))
            return false;
    }
    json_close(out, '}');
    return required_check(reader, at, object, err);
}

// ---- the document

struct raw_document {
    const struct json_view *url, *data, *secret;
    struct str operation;
};

static const struct member document_members[] = {
    MEMBER_ANY(raw_document, url, "url", OPTIONAL),
    MEMBER_OBJECT(raw_document, data, "data"),
    MEMBER_OBJECT(raw_document, secret, "secret"),
    MEMBER_TEXT(raw_document, operation, "operationId", OPTIONAL, 0, 64, NULL),
};

static bool url_read(struct service_reader *reader, struct str path, const struct json_view *view,
                     struct service_document *read, struct err *err)
{
    const struct document_part *part = part_at(reader->kind, STR("url"));
    struct str at = shape_path(reader->arena, path, "url"), text = json_text(view);
    struct err broken;

    if (json_kind(view) == TREE_NULL || (!part->required && str_equal(text, STR("N/A"))))
        return !part->required || shape_fault(err, at, "missing");
    if (!str_present(text))
        return shape_fault(err, at, "must be a text");
    return form_read(part->form, part->choices, STR_ABSENT, text, reader->arena, &read->url,
                     &broken) ||
           shape_fault(err, at, broken.text);
}

static bool tree_read(struct service_reader *reader, struct str path, const char *name,
                      const struct json_view *view, struct str *text, struct err *err)
{
    AUTO(buf) out = {0};
    struct service_place at = {.pattern = str_of(name),
                               .path = shape_path(reader->arena, path, name)};

    if (!object_read(reader, at, view, &out, err))
        return false;
    *text = arena_copy(reader->arena, buf_str(&out));
    return true;
}

bool service_document_read(enum service_kind kind, const struct json_view *document,
                           struct str path, bool https_only, const struct sealer *sealer,
                           struct arena *arena, struct service_document *read, struct err *err)
{
    struct service_reader reader = {.kind = kind,
                                    .https_only = https_only,
                                    .sealer = sealer,
                                    .arena = arena,
                                    .owner = kinds[kind].name};
    struct raw_document raw = {.operation = STR("")};
    const struct json_view *nothing;
    size_t cursor = 0;
    struct str name, unused;
    const struct json_view *member;
    struct err missing;

    *read = (struct service_document){.url = STR_ABSENT};
    if (!json_parse(STR("{}"), arena, &nothing, err) ||
        !shape_read(document, path, document_members, COUNT_OF(document_members), arena, &raw,
                    err) ||
        !url_read(&reader, path, raw.url, read, err) ||
        !tree_read(&reader, path, "data", raw.data ? raw.data : nothing, &read->data, err))
        return false;
    if (kind == SERVICE_KIND_SMS && !json_member(raw.data, "provider") &&
        !json_member(raw.data, "tokenProvider"))
        return shape_fault(err, shape_path(arena, path, "data.provider"),
                           "missing; give this or tokenProvider");
    if (raw.secret && json_object_next(raw.secret, &cursor, &name, &member))
        return tree_read(&reader, path, "secret", raw.secret, &read->secret, err);
    if (!tree_read(&reader, path, "secret", nothing, &unused, &missing))
        read->missing = arena_copy(arena, str_of(missing.text));
    return true;
}
