// message: the tables made from messages.def, and the rules of every field.
#include "wire/message.h"

#include "text/phone.h"

#include <stddef.h>

#define HOT  true
#define COLD false

#define MESSAGE(id, name, text, service, kind, limit, doc)                                         \
    static const struct message_field name##_fields[] = {
#define FIELD(message, kind, c_name, all_names, low, high, presence_, text)                        \
    {.name = #c_name,                                                                              \
     .names = all_names,                                                                           \
     .type = FIELD_KIND_##kind,                                                                    \
     .offset = offsetof(struct msg_##message, c_name),                                             \
     .minimum = low,                                                                               \
     .maximum = high,                                                                              \
     .presence = presence_,                                                                        \
     .doc = text},
#define END(id, name)                                                                              \
    }                                                                                              \
    ;
#include "wire/messages.def"

static const struct message_type types[MSG_COUNT] = {
#define MESSAGE(message, c_name, text, taker, kind, bytes, sentence)                               \
    [MSG_##message] = {.id = MSG_##message,                                                        \
                       .name = STR_INIT(text),                                                     \
                       .service = SERVICE_##taker,                                                 \
                       .hot = kind,                                                                \
                       .limit = bytes,                                                             \
                       .size = sizeof(struct msg_##c_name),                                        \
                       .fields = c_name##_fields,                                                  \
                       .field_count = COUNT_OF(c_name##_fields),                                   \
                       .doc = sentence},
#include "wire/messages.def"
};

static const struct str service_names[SERVICE_COUNT] = {
#define X(id, text) [SERVICE_##id] = STR_INIT(text),
    SERVICES(X)
#undef X
};

struct str service_name(enum service_id service)
{
    return (unsigned)service < SERVICE_COUNT ? service_names[service] : STR("none");
}

bool service_parse(struct str name, enum service_id *service)
{
    for (size_t i = 0; i < SERVICE_COUNT; i++) {
        if (str_equal(name, service_names[i])) {
            *service = (enum service_id)i;
            return true;
        }
    }
    return false;
}

const struct message_type *message_type(enum message_id id)
{
    return (unsigned)id < MSG_COUNT ? &types[id] : NULL;
}

enum message_id message_named(struct str name)
{
    unsigned id = 0;
    while (id < MSG_COUNT && !str_equal(types[id].name, name))
        id++;
    return (enum message_id)id;
}

bool message_field_is_body(const struct message_field *field)
{
    return field->names[0] == '*';
}

struct str message_field_label(const struct message_field *field)
{
    struct str first, others;
    str_cut(str_of(field->names), '|', &first, &others);
    return message_field_is_body(field) ? STR("body") : first;
}

bool message_field_fault(const struct message_field *field, const char *rule, struct err *err)
{
    return err_set(err, ERR_BAD_INPUT, "%.*s: %s", STR_ARG(message_field_label(field)), rule);
}

static bool size_check(const struct message_field *field, struct str text, struct err *err)
{
    struct str label = message_field_label(field);

    if (text.len > field->maximum)
        return err_set(err, ERR_BAD_INPUT, "%.*s: %zu bytes, limit %u", STR_ARG(label), text.len,
                       field->maximum);
    if (text.len < field->minimum)
        return err_set(err, ERR_BAD_INPUT, "%.*s: %zu bytes, at least %u", STR_ARG(label), text.len,
                       field->minimum);
    return true;
}

static bool text_check(const struct message_field *field, struct str text, struct err *err)
{
    size_t fault;

    if (!size_check(field, text, err))
        return false;
    if (!str_is_utf8(text, &fault))
        return err_set(err, ERR_BAD_INPUT, "%.*s: not UTF-8 text at byte %zu",
                       STR_ARG(message_field_label(field)), fault);
    return true;
}

// Phone numbers are keys, so only the normal spelling is valid.
static bool phone_check(const struct message_field *field, struct str phone, struct err *err)
{
    char normal[PHONE_MAX];
    size_t length;

    if (!phone_normalize(phone, normal, &length) || !str_equal(phone, str_make(normal, length)))
        return message_field_fault(field, PHONE_RULE, err);
    return true;
}

static bool sender_check(const struct message_field *field, struct str sender, struct err *err)
{
    char normal[SENDER_MAX];
    size_t length;

    if (!sender_normalize(sender, STR_ABSENT, normal, &length) ||
        !str_equal(sender, str_make(normal, length)))
        return message_field_fault(field, SENDER_RULE, err);
    return true;
}

static bool number_check(const struct message_field *field, uint32_t number, struct err *err)
{
    if (number < field->minimum || number > field->maximum)
        return err_set(err, ERR_BAD_INPUT, "%.*s: not within %u to %u",
                       STR_ARG(message_field_label(field)), field->minimum, field->maximum);
    return true;
}

// A number of 0 counts as absent if 0 is not an allowed value; a flag in a struct is never absent.
bool message_field_is_absent(const struct message_field *field, const void *value)
{
    switch (field->type) {
    case FIELD_KIND_str:
    case FIELD_KIND_phone:
    case FIELD_KIND_sender:
    case FIELD_KIND_json:
    case FIELD_KIND_bytes: return !str_present(*(const struct str *)value);
    case FIELD_KIND_id: return id_is_none(*(const struct id *)value);
    case FIELD_KIND_u32: return *(const uint32_t *)value == 0 && field->minimum > 0;
    case FIELD_KIND_flag: return false;
    }
    return true;
}

bool message_field_check(const struct message_field *field, const void *value, struct err *err)
{
    switch (field->type) {
    case FIELD_KIND_phone: return phone_check(field, *(const struct str *)value, err);
    case FIELD_KIND_sender: return sender_check(field, *(const struct str *)value, err);
    case FIELD_KIND_str:
    case FIELD_KIND_json: return text_check(field, *(const struct str *)value, err);
    case FIELD_KIND_u32: return number_check(field, *(const uint32_t *)value, err);
    case FIELD_KIND_bytes: return size_check(field, *(const struct str *)value, err);
    case FIELD_KIND_id:
    case FIELD_KIND_flag: break;
    }
    return true;
}

bool message_check(const struct message_type *type, const void *message, struct err *err)
{
    for (size_t i = 0; i < type->field_count; i++) {
        const struct message_field *field = &type->fields[i];
        const void *value = (const char *)message + field->offset;
        if (!message_field_is_absent(field, value)) {
            if (!message_field_check(field, value, err))
                return false;
        } else if (field->presence == REQUIRED) {
            return message_field_fault(field, "missing", err);
        }
    }
    return true;
}
