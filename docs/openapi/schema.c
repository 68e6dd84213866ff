// schema: see the header.
#include "schema.h"

#include "base/err.h"
#include "text/phone.h"

void schema_ref(struct buf *out, const char *kind, const char *name)
{
    AUTO(buf) where = {0};

    buf_printf(&where, "#/components/%s/%s", kind, name);
    json_open(out, '{');
    json_key_str(out, "$ref", buf_str(&where));
    json_close(out, '}');
}

static void type(struct buf *out, const char *name)
{
    json_key_str(out, "type", str_of(name));
}

static void format(struct buf *out, const char *name)
{
    type(out, "string");
    json_key_str(out, "format", str_of(name));
}

// "in|out" → ["in","out"]
static void words(struct buf *out, const char *key, const char *list)
{
    struct str word, others = str_of(list);

    json_key(out, key);
    json_open(out, '[');
    while (str_present(others)) {
        str_cut(others, '|', &word, &others);
        json_str(out, word);
    }
    json_close(out, ']');
}

// --- requests

#define UUID "{\"type\":\"string\",\"format\":\"uuid\"}"

// Limits of text count bytes and JSON Schema counts characters: what has too many characters has
// too many bytes, and the description says the rest.
static void field_limits(struct buf *out, const struct message_field *field)
{
    switch (field->type) {
    case FIELD_KIND_str:
        type(out, "string");
        if (field->minimum > 0)
            json_key_int(out, "minLength", field->minimum);
        json_key_int(out, "maxLength", field->maximum);
        break;
    case FIELD_KIND_phone:
    case FIELD_KIND_sender:
        type(out, "string");
        json_key_int(out, "minLength", field->minimum);
        json_key_int(out, "maxLength", PHONE_TEXT_MAX);
        break;
    case FIELD_KIND_id: format(out, "uuid"); break;
    case FIELD_KIND_u32:
        type(out, "integer");
        json_key_int(out, "minimum", field->minimum);
        json_key_int(out, "maximum", field->maximum);
        break;
    case FIELD_KIND_flag: type(out, "boolean"); break;
    case FIELD_KIND_json:
    case FIELD_KIND_bytes: break; // of no request
    }
}

static void described_field(struct buf *out, const struct message_field *field, struct str doc)
{
    AUTO(buf) text = {0};

    json_open(out, '{');
    field_limits(out, field);
    buf_str_append(&text, doc);
    if (field->type == FIELD_KIND_str || field->type == FIELD_KIND_json)
        buf_printf(&text, " At most %u bytes.", field->maximum);
    json_key_str(out, "description", buf_str(&text));
    json_close(out, '}');
}

void schema_of_field(struct buf *out, const struct message_field *field)
{
    described_field(out, field, str_of(field->doc));
}

static void alias(struct buf *out, const struct message_field *field, struct str other,
                  struct str label)
{
    AUTO(buf) name = {0}, text = {0};

    buf_str_append(&name, other);
    buf_printf(&text, "Another name of %.*s.", STR_ARG(label));
    json_key(out, buf_c_string(&name));
    described_field(out, field, buf_str(&text));
}

static void body_field(struct buf *out, const struct message_field *field)
{
    AUTO(buf) name = {0};
    struct str label, other, others;

    str_cut(str_of(field->names), '|', &label, &others);
    buf_str_append(&name, label);
    json_key(out, buf_c_string(&name));
    schema_of_field(out, field);
    while (str_present(others)) {
        str_cut(others, '|', &other, &others);
        alias(out, field, other, label);
    }
}

bool schema_field_is_in_path(const struct route *route, const struct message_field *field)
{
    struct str label = message_field_label(field), path = route->path, name;

    while (str_cut(path, '{', &name, &path)) {
        str_cut(path, '}', &name, &path);
        if (str_equal(name, label))
            return true;
    }
    return false;
}

// {"required":[name],"properties":{name:{}}}: a branch says which property it speaks of.
static void required_name(struct buf *out, struct str name)
{
    AUTO(buf) key = {0};

    buf_str_append(&key, name);
    json_open(out, '{');
    json_key(out, "required");
    json_open(out, '[');
    json_str(out, name);
    json_close(out, ']');
    json_key(out, "properties");
    json_open(out, '{');
    json_key_raw(out, buf_c_string(&key), STR("{}"));
    json_close(out, '}');
    json_close(out, '}');
}

// {"anyOf":[…]}: one of its names must be there.
static void required_names(struct buf *out, const struct message_field *field)
{
    struct str name, others = str_of(field->names);

    json_open(out, '{');
    json_key(out, "anyOf");
    json_open(out, '[');
    while (str_present(others)) {
        str_cut(others, '|', &name, &others);
        required_name(out, name);
    }
    json_close(out, ']');
    json_close(out, '}');
}

static void body_required(struct buf *out, const struct route *route,
                          const struct message_type *message, bool several)
{
    bool any = false;

    for (size_t i = 0; i < message->field_count; i++) {
        const struct message_field *field = &message->fields[i];
        if (field->presence != REQUIRED || schema_field_is_in_path(route, field) ||
            several != !!strchr(field->names, '|'))
            continue;
        if (!any) {
            json_key(out, several ? "allOf" : "required");
            json_open(out, '[');
        }
        any = true;
        if (several)
            required_names(out, field);
        else
            json_str(out, str_of(field->names));
    }
    if (any)
        json_close(out, ']');
}

void schema_of_fields(struct buf *out, const struct route *route,
                      const struct message_type *message)
{
    json_open(out, '{');
    type(out, "object");
    json_key(out, "properties");
    json_open(out, '{');
    for (size_t i = 0; i < message->field_count; i++)
        if (!schema_field_is_in_path(route, &message->fields[i]))
            body_field(out, &message->fields[i]);
    json_close(out, '}');
    body_required(out, route, message, false);
    body_required(out, route, message, true);
    json_close(out, '}');
}

const struct message_field *schema_whole_body(const struct message_type *message)
{
    for (size_t i = 0; i < message->field_count; i++)
        if (message_field_is_body(&message->fields[i]))
            return &message->fields[i];
    return NULL;
}

// {"$ref": the fields, "unevaluatedProperties":false}; what our own paths do not know they refuse.
static void fields_as(struct buf *out, const struct route *route, const char *fields, bool bare)
{
    AUTO(buf) where = {0};

    buf_printf(&where, "#/components/schemas/%s", fields);
    json_open(out, '{');
    json_key_str(out, "$ref", buf_str(&where));
    if (bare)
        json_key_raw(out, "properties", STR("{\"operationId\":" UUID "}"));
    if (!route->documented)
        json_key_bool(out, "unevaluatedProperties", false);
    json_close(out, '}');
}

void schema_of_body(struct buf *out, const struct route *route, const char *fields)
{
    json_open(out, '{');
    json_key(out, "anyOf");
    json_open(out, '[');
    fields_as(out, route, fields, true);
    json_open(out, '{');
    type(out, "object");
    json_key_str(out, "description", STR("The same in an envelope."));
    json_key(out, "properties");
    json_open(out, '{');
    json_key_raw(out, "operationId", STR(UUID));
    json_key(out, "data");
    fields_as(out, route, fields, false);
    json_close(out, '}');
    words(out, "required", "data");
    json_close(out, '}');
    json_close(out, ']');
    json_close(out, '}');
}

// --- answers

// The members of a schema for one value of this kind.
static void kind_members(struct buf *out, const struct reply_member *member)
{
    AUTO(buf) where = {0};

    switch (member->kind) {
    case REPLY_TEXT: type(out, "string"); break;
    case REPLY_WORD:
        type(out, "string");
        words(out, "enum", member->words);
        break;
    case REPLY_ID: format(out, "uuid"); break;
    case REPLY_TIME: format(out, "date-time"); break;
    case REPLY_NUMBER: type(out, "integer"); break;
    case REPLY_REAL: type(out, "number"); break;
    case REPLY_FLAG: type(out, "boolean"); break;
    case REPLY_ANY: break;
    case REPLY_OBJECT:
        buf_printf(&where, "#/components/schemas/%s", reply_object(member->object)->name);
        json_key_str(out, "$ref", buf_str(&where));
        break;
    }
}

static void shape_members(struct buf *out, const struct reply_member *member)
{
    if (member->shape == REPLY_ONE) {
        kind_members(out, member);
        return;
    }
    type(out, member->shape == REPLY_LIST ? "array" : "object");
    json_key(out, member->shape == REPLY_LIST ? "items" : "additionalProperties");
    json_open(out, '{');
    kind_members(out, member);
    json_close(out, '}');
}

static void member_schema(struct buf *out, const struct reply_member *member)
{
    bool nullable = member->presence == REPLY_NULLABLE && member->kind != REPLY_ANY;

    json_open(out, '{');
    if (!nullable && !member->or_false && !member->or_text) {
        shape_members(out, member);
    } else {
        json_key(out, "anyOf");
        json_open(out, '[');
        json_open(out, '{');
        shape_members(out, member);
        json_close(out, '}');
        if (member->or_false)
            json_raw(out, STR("{\"const\":false}"));
        if (member->or_text)
            json_raw(out, STR("{\"type\":\"string\"}"));
        if (nullable)
            json_raw(out, STR("{\"type\":\"null\"}"));
        json_close(out, ']');
    }
    json_key_str(out, "description", str_of(member->doc));
    json_close(out, '}');
}

static bool is_rest(const struct reply_member *member)
{
    return strcmp(member->name, "*") == 0;
}

// What members it may have beside those that have a name.
static void rest_schema(struct buf *out, const struct reply_object *object)
{
    json_key(out, "additionalProperties");
    for (size_t i = 0; i < object->member_count; i++) {
        if (is_rest(&object->members[i])) {
            member_schema(out, &object->members[i]);
            return;
        }
    }
    json_bool(out, false);
}

void schema_of_object(struct buf *out, const struct reply_object *object)
{
    json_open(out, '{');
    json_key_str(out, "description", str_of(object->doc));
    type(out, "object");
    json_key(out, "properties");
    json_open(out, '{');
    for (size_t i = 0; i < object->member_count; i++) {
        if (is_rest(&object->members[i]))
            continue;
        json_key(out, object->members[i].name);
        member_schema(out, &object->members[i]);
    }
    json_close(out, '}');
    json_key(out, "required");
    json_open(out, '[');
    for (size_t i = 0; i < object->member_count; i++)
        if (object->members[i].presence != REPLY_SOMETIMES)
            json_str(out, str_of(object->members[i].name));
    json_close(out, ']');
    rest_schema(out, object);
    json_close(out, '}');
}
