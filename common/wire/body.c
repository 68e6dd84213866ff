// body: what came with a request, as three layers: what the path and query say, the "data" member
// where the body is wrapped in {"operationId":…,"data":{…}}, and the body itself. A field is looked
// up in this order under each of its names. Where one field is the whole body, the others are looked
// up in the first layer alone: what is in the body is that field's.
#include "codec_json.h"

#include "phone.h"
#include "tree.h"

struct body {
    struct arena *arena;
    struct json_view set;  // path and query parameters
    struct json_view root; // an object
    bool form;             // a form cannot say null: an empty value means it
    bool came;             // false: the request had no body
};

struct body *body_empty(void)
{
    struct arena *arena = arena_new();
    struct body *body = ARENA_ALLOC(arena, struct body);

    body->arena = arena;
    body->set.kind = body->root.kind = TREE_OBJECT;
    return body;
}

void body_free(struct body **body)
{
    if (!*body)
        return;
    struct arena *arena = (*body)->arena; // holds the body itself
    arena_free(&arena);
    *body = NULL;
}

bool body_from_json(struct str text, struct body **body, struct err *err)
{
    struct body *made = body_empty();

    made->came = true;
    bool ok = tree_from_json(text, made->arena, &made->root, err) &&
              (made->root.kind == TREE_OBJECT ||
               err_set(err, ERR_BAD_INPUT, "JSON: the body is not an object"));
    if (ok)
        *body = made;
    else
        body_free(&made);
    return ok;
}

bool body_from_form(struct str text, struct body **body, struct err *err)
{
    struct body *made = body_empty();

    made->came = made->form = true;
    if (!tree_from_form(text, made->arena, &made->root, err)) {
        body_free(&made);
        return false;
    }
    *body = made;
    return true;
}

void body_set(struct body *body, struct str name, struct str value)
{
    struct json_view *member = tree_find(&body->set, name);

    if (!member)
        member = tree_add(&body->set, arena_copy(body->arena, name), body->arena);
    member->kind = TREE_TEXT;
    member->text = arena_copy(body->arena, value);
}

struct id body_operation(const struct body *body)
{
    struct id id;
    return id_parse(json_text(tree_find(&body->root, STR("operationId"))), &id) ? id
                                                                                : (struct id){0};
}

static bool field_has_name(const struct message_field *field, struct str name)
{
    struct str one, others = str_of(field->names);

    while (str_present(others)) {
        str_cut(others, '|', &one, &others);
        if (str_equal(one, name))
            return true;
    }
    return false;
}

static const struct message_field *field_named(const struct message_type *type, struct str name)
{
    for (size_t i = 0; i < type->field_count; i++)
        if (field_has_name(&type->fields[i], name))
            return &type->fields[i];
    return NULL;
}

// The "data" that wraps the fields; NULL when there is none, or when data is a field of its own.
static const struct json_view *body_wrapped(const struct body *body,
                                            const struct message_type *type)
{
    const struct json_view *data = tree_find(&body->root, STR("data"));
    return data && data->kind == TREE_OBJECT && !field_named(type, STR("data")) ? data : NULL;
}

static const struct json_view *layer_find(const struct json_view *layer,
                                          const struct message_field *field)
{
    struct str name, others = str_of(field->names);

    while (str_present(others)) {
        str_cut(others, '|', &name, &others);
        const struct json_view *found = tree_find(layer, name);
        if (found)
            return found;
    }
    return NULL;
}

static bool means_absent(const struct body *body, const struct message_field *field,
                         const struct json_view *value)
{
    bool empty_is_a_value = field->type == FIELD_KIND_str && field->minimum == 0;
    return !value || value->kind == TREE_NULL ||
           (body->form && value->kind == TREE_TEXT && value->text.len == 0 && !empty_is_a_value);
}

// Forms send all as text, and senders of JSON write numbers where ids are meant.
static struct str as_text(const struct json_view *value, struct arena *arena)
{
    if (value->kind == TREE_INTEGER)
        return arena_printf(arena, "%lld", (long long)value->integer);
    return arena_copy(arena, json_text(value));
}

static bool phone_convert(const struct message_field *field, const struct json_view *value,
                          struct arena *arena, struct str *out, struct err *err)
{
    char normal[PHONE_MAX];
    size_t length;

    if (!phone_normalize(as_text(value, arena), normal, &length))
        return message_field_fault(field, PHONE_RULE, err);
    *out = arena_copy(arena, str_make(normal, length));
    return true;
}

static bool number_convert(const struct message_field *field, const struct json_view *value,
                           uint32_t *out, struct err *err)
{
    int64_t number;

    if (!json_number(value, &number) &&
        !str_to_int(json_text(value), INT64_MIN, INT64_MAX, &number))
        return message_field_fault(field, "not a whole number", err);
    if (number < field->minimum || number > field->maximum)
        return err_set(err, ERR_BAD_INPUT, "%.*s: not within %u to %u",
                       STR_ARG(message_field_label(field)), field->minimum, field->maximum);
    *out = (uint32_t)number;
    return true;
}

static bool flag_convert(const struct message_field *field, const struct json_view *value,
                         bool *out, struct err *err)
{
    bool yes = json_is_true(value) || str_equal_ignoring_case(json_text(value), STR("true"));

    if (!yes && value->kind != TREE_BOOL &&
        !str_equal_ignoring_case(json_text(value), STR("false")))
        return message_field_fault(field, "not true or false", err);
    *out = yes;
    return true;
}

static bool field_convert(const struct message_field *field, const struct json_view *value,
                          struct arena *arena, void *out, struct err *err)
{
    switch (field->type) {
    case FIELD_KIND_str:
        *(struct str *)out = as_text(value, arena);
        return str_present(*(struct str *)out) || message_field_fault(field, "not text", err);
    case FIELD_KIND_phone: return phone_convert(field, value, arena, out, err);
    case FIELD_KIND_id:
        return id_parse(json_text(value), out) || message_field_fault(field, "not a UUID", err);
    case FIELD_KIND_u32: return number_convert(field, value, out, err);
    case FIELD_KIND_flag: return flag_convert(field, value, out, err);
    case FIELD_KIND_json: *(struct str *)out = json_compact(value, arena); return true;
    case FIELD_KIND_bytes: return message_field_fault(field, "not for requests", err);
    }
    return false;
}

static bool unknown_refuse(const struct json_view *layer, const struct message_type *type,
                           bool outermost, bool wrapped, struct err *err)
{
    for (size_t i = 0; i < layer->children.count; i++) {
        struct str name = layer->children.items[i].name;
        bool envelope = outermost && (str_equal(name, STR("operationId")) ||
                                      (wrapped && str_equal(name, STR("data"))));
        if (!envelope && !field_named(type, name))
            return err_set(err, ERR_BAD_INPUT, "%.64s: unknown field", name.ptr);
    }
    return true;
}

static bool takes_the_body(const struct message_type *type)
{
    for (size_t i = 0; i < type->field_count; i++)
        if (message_field_is_body(&type->fields[i]))
            return true;
    return false;
}

// What the request says about a field; NULL: nothing.
static const struct json_view *field_find(const struct body *body,
                                          const struct json_view *const *layers, size_t layer_count,
                                          const struct message_field *field)
{
    const struct json_view *value = NULL;

    if (message_field_is_body(field))
        return body->came ? &body->root : NULL;
    for (size_t layer = 0; !value && layer < layer_count; layer++)
        value = layer_find(layers[layer], field);
    return value;
}

bool body_to_message(const struct body *body, const struct message_type *type,
                     enum body_strictness strictness, struct arena *arena, void **message,
                     struct err *err)
{
    static const struct json_view nothing = {.kind = TREE_OBJECT};
    const struct json_view *data = body_wrapped(body, type);
    const struct json_view *layers[] = {&body->set, data ? data : &nothing, &body->root};
    size_t layer_count = takes_the_body(type) ? 1 : COUNT_OF(layers);
    char *made = arena_alloc(arena, type->size);

    if (strictness == BODY_STRICT)
        for (size_t i = 0; i < layer_count; i++)
            if (!unknown_refuse(layers[i], type, layers[i] == &body->root, data, err))
                return false;
    for (size_t i = 0; i < type->field_count; i++) {
        const struct message_field *field = &type->fields[i];
        const struct json_view *value = field_find(body, layers, layer_count, field);
        if (means_absent(body, field, value)) {
            if (field->required)
                return message_field_fault(field, "missing", err);
        } else if (!field_convert(field, value, arena, made + field->offset, err) ||
                   !message_field_check(field, made + field->offset, err)) {
            return false;
        }
    }
    *message = made;
    return true;
}
