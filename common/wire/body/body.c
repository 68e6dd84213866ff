// body: what came with a request, as three layers: what the path and query say, the "data" member
// where the body is wrapped in {"operationId":…,"data":{…}}, and the body itself. A field is looked
// up in this order under each of its names. Where one field is the whole body, the others are
// looked up in the first layer alone: what is in the body is that field's.
//
// A field is read from the first value that can be read: another name, null or "" before it hides
// nothing.
#include "wire/body/body.h"

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

bool body_of_json(struct str text, const struct tree_reading *what, struct body **body,
                  struct err *err)
{
    struct body *made = body_empty();

    made->came = true;
    bool ok = tree_from_json(text, what, made->arena, &made->root, err) &&
              (made->root.kind == TREE_OBJECT ||
               err_set(err, ERR_BAD_INPUT, "JSON: the body is not an object"));
    if (ok)
        *body = made;
    else
        body_free(&made);
    return ok;
}

bool body_of_form(struct str text, const struct tree_reading *what, struct body **body,
                  struct err *err)
{
    struct body *made = body_empty();

    made->came = made->form = true;
    if (!tree_from_form(text, what, made->arena, &made->root, err)) {
        body_free(&made);
        return false;
    }
    *body = made;
    return true;
}

bool body_from_json(struct str text, struct body **body, struct err *err)
{
    return body_of_json(text, &(struct tree_reading){.manner = TREE_STRICT}, body, err);
}

bool body_from_form(struct str text, struct body **body, struct err *err)
{
    return body_of_form(text, &(struct tree_reading){.manner = TREE_STRICT}, body, err);
}

void body_set(struct body *body, struct str name, struct str value)
{
    struct json_view *member = tree_find(&body->set, name);

    if (!member)
        member = tree_add(&body->set, arena_copy(body->arena, name), body->arena);
    member->kind = TREE_TEXT;
    member->text = arena_copy(body->arena, value);
}

bool body_set_once(struct body *body, struct str name, struct str value)
{
    const struct json_view *member = tree_find(&body->set, name);

    if (member)
        return str_equal(json_text(member), value);
    body_set(body, name, value);
    return true;
}

struct id body_operation(const struct body *body)
{
    struct id id;
    const struct json_view *said = tree_find(&body->root, STR("operationId"));

    if (!said)
        said = tree_find(&body->set, STR("operationId"));
    return id_parse(json_text(said), &id) ? id : (struct id){0};
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

bool body_type_reads(const struct message_type *type, struct str name)
{
    return field_named(type, name) != NULL;
}

// The "data" that wraps the fields; NULL when there is none, or when data is a field of its own.
static const struct json_view *body_wrapped(const struct body *body,
                                            const struct message_type *type)
{
    const struct json_view *data = tree_find(&body->root, STR("data"));
    return data && data->kind == TREE_OBJECT && !field_named(type, STR("data")) ? data : NULL;
}

// The state of the search for a field's value.
struct candidate {
    const struct json_view *empty; // null or ""; NULL: none was seen
    const struct json_view
        *no_text; // the first that is neither text nor number; NULL: none was seen
    bool is_taken, has_failed;
    struct err err; // of the first that could not be read
};

// Does the value count as missing if there is another one? Some languages write an empty value as
// [].
static bool is_empty(const struct conversion *conversion, const struct json_view *value)
{
    if (value->kind == TREE_ARRAY || value->kind == TREE_OBJECT)
        return conversion->lenient && value->children.count == 0;
    return value->kind == TREE_NULL || (value->kind == TREE_TEXT && value->text.len == 0);
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

// A text that is too long stays too long when it is repeated, so it is refused with the status for
// that.
static bool value_take(const struct message_field *field, const struct json_view *value,
                       const struct conversion *conversion, void *out, struct err *err)
{
    if (!field_convert(field, value, conversion, out, err))
        return false;
    if (message_field_check(field, out, err))
        return true;
    bool has_length = field->type == FIELD_KIND_str || field->type == FIELD_KIND_json;
    if (conversion->lenient && has_length && ((const struct str *)out)->len > field->maximum)
        err->code = ERR_TOO_LARGE;
    return false;
}

// Is the other value read as the one in out?
static bool means_the_same(const struct conversion *conversion, const struct message_field *field,
                           const void *out, const struct json_view *other)
{
    union {
        struct str text;
        struct id id;
        uint32_t number;
        bool flag;
    } said = {0};
    struct err unread;

    if (!field_convert(field, other, conversion, &said, &unread))
        return false;
    switch (field->type) {
    case FIELD_KIND_id: return id_equal(said.id, *(const struct id *)out);
    case FIELD_KIND_u32: return said.number == *(const uint32_t *)out;
    case FIELD_KIND_flag: return said.flag == *(const bool *)out;
    case FIELD_KIND_str:
    case FIELD_KIND_phone:
    case FIELD_KIND_sender:
    case FIELD_KIND_json:
    case FIELD_KIND_bytes: break;
    }
    return str_equal(said.text, *(const struct str *)out);
}

// The same name twice with two values, also in query and body: it is unclear which one is meant.
static bool is_disputed(const struct conversion *conversion, const struct message_field *field,
                        const void *out, const struct json_view *value)
{
    for (size_t l = 0; l < conversion->layer_count; l++) {
        const struct json_view *layer = conversion->layers[l];
        for (size_t i = 0; i < layer->children.count; i++) {
            const struct json_view *other = &layer->children.items[i];
            if (other != value && str_equal(other->name, value->name) &&
                !is_empty(conversion, other) && !means_the_same(conversion, field, out, other))
                return true;
        }
    }
    return false;
}

// True: the search is over.
static bool candidate_try(const struct conversion *conversion, const struct message_field *field,
                          const struct json_view *value, void *out, struct candidate *candidate)
{
    bool is_disputed_here = false;
    struct err err;

    if (is_empty(conversion, value)) {
        if (!candidate->empty || candidate->empty->kind != TREE_TEXT)
            candidate->empty = value;
        return false;
    }
    if (value_take(field, value, conversion, out, &err)) {
        is_disputed_here = conversion->lenient && field->presence != OPTIONAL &&
                           is_disputed(conversion, field, out, value);
        candidate->is_taken = !is_disputed_here;
        if (is_disputed_here)
            message_field_fault(field, "given twice with different values", &err);
    }
    if (!candidate->is_taken && !is_disputed_here && !candidate->no_text &&
        (value->kind == TREE_BOOL || value->kind == TREE_ARRAY || value->kind == TREE_OBJECT))
        candidate->no_text = value;
    if (!candidate->is_taken && !candidate->has_failed) {
        candidate->has_failed = true;
        candidate->err = err;
    }
    return candidate->is_taken || is_disputed_here || !conversion->lenient;
}

static void candidates_try(const struct conversion *conversion, const struct message_field *field,
                           void *out, struct candidate *candidate)
{
    for (size_t l = 0; l < conversion->layer_count; l++) {
        const struct json_view *layer = conversion->layers[l];
        struct str name, others = str_of(field->names);
        while (str_present(others)) {
            str_cut(others, '|', &name, &others);
            for (size_t i = 0; i < layer->children.count; i++)
                if (str_equal(layer->children.items[i].name, name) &&
                    candidate_try(conversion, field, &layer->children.items[i], out, candidate))
                    return;
        }
    }
}

struct str body_home(const struct conversion *conversion)
{
    struct str home = STR_ABSENT, number;

    for (size_t i = 0; i < conversion->type->field_count; i++) {
        const struct message_field *phone = &conversion->type->fields[i];
        struct candidate candidate = {0};
        if (phone->type != FIELD_KIND_phone)
            continue;
        candidates_try(conversion, phone, &number, &candidate);
        if (candidate.is_taken)
            home = number;
    }
    return home;
}

// A value of another type where a text is expected is taken as its JSON text: the sender would
// repeat it in the same form, and the reader must see what was sent.
static bool is_text_as_written(const struct conversion *conversion,
                               const struct message_field *field, const struct candidate *candidate)
{
    return conversion->lenient && field->presence == KEPT && field->type == FIELD_KIND_str &&
           candidate->no_text;
}

static bool written_take(const struct conversion *conversion, const struct message_field *field,
                         const struct json_view *value, void *out)
{
    struct json_view written = {.kind = TREE_TEXT, .text = json_compact(value, conversion->arena)};

    return value_take(field, &written, conversion, out, conversion->err);
}

// No value with content was found. null and [] count as an empty text if the text must be checked.
static bool empty_take(const struct conversion *conversion, const struct message_field *field,
                       const struct json_view *empty, void *out)
{
    static const struct json_view nothing = {.kind = TREE_TEXT, .text = STR_INIT("")};
    bool empty_is_a_value = field->type == FIELD_KIND_str && field->minimum == 0;

    if (empty && empty->kind != TREE_TEXT)
        empty =
            conversion->lenient && field->presence == KEPT && empty_is_a_value ? &nothing : NULL;
    if (!empty || (conversion->body->form && !empty_is_a_value) ||
        (conversion->lenient && field->presence != REQUIRED && !empty_is_a_value))
        return field->presence != REQUIRED ||
               message_field_fault(field, "missing", conversion->err);
    return value_take(field, empty, conversion, out, conversion->err);
}

static size_t size_of(enum field_type type)
{
    switch (type) {
    case FIELD_KIND_id: return sizeof(struct id);
    case FIELD_KIND_u32: return sizeof(uint32_t);
    case FIELD_KIND_flag: return sizeof(bool);
    case FIELD_KIND_str:
    case FIELD_KIND_phone:
    case FIELD_KIND_sender:
    case FIELD_KIND_json:
    case FIELD_KIND_bytes: break;
    }
    return sizeof(struct str);
}

static bool field_read(const struct conversion *conversion, const struct message_field *field,
                       char *message)
{
    struct candidate candidate = {0};
    void *out = message + field->offset;

    if (message_field_is_body(field) && conversion->body->came)
        return value_take(field, &conversion->body->root, conversion, out, conversion->err);
    if (!message_field_is_body(field))
        candidates_try(conversion, field, out, &candidate);
    if (candidate.is_taken)
        return true;
    if (!candidate.has_failed)
        return empty_take(conversion, field, candidate.empty, out);
    if (is_text_as_written(conversion, field, &candidate))
        return written_take(conversion, field, candidate.no_text, out);
    memset(out, 0, size_of(field->type));
    *conversion->err = candidate.err;
    return conversion->lenient && field->presence == OPTIONAL; // then it is left out
}

bool body_to_message(const struct body *body, const struct message_type *type,
                     enum body_strictness strictness, struct arena *arena, void **message,
                     struct err *err)
{
    static const struct json_view nothing = {.kind = TREE_OBJECT};
    const struct json_view *data = body_wrapped(body, type);
    struct conversion conversion = {.body = body,
                                    .type = type,
                                    .layers = {&body->set, data ? data : &nothing, &body->root},
                                    .layer_count = takes_the_body(type) ? 1 : 3,
                                    .lenient = strictness == BODY_LENIENT,
                                    .arena = arena,
                                    .err = err};
    char *made = arena_alloc(arena, type->size);

    if (strictness == BODY_STRICT)
        for (size_t i = 0; i < conversion.layer_count; i++)
            if (!unknown_refuse(conversion.layers[i], type, conversion.layers[i] == &body->root,
                                data, err))
                return false;
    for (size_t i = 0; i < type->field_count; i++)
        if (!field_read(&conversion, &type->fields[i], made))
            return false;
    *message = made;
    return true;
}
