// body_convert: converts a value of a body to the type of its field.
#include "wire/body/body.h"

#include "text/phone.h"

#include <ctype.h>

// Forms send every value as text, and senders of JSON write ids as numbers.
static struct str as_text(const struct json_view *value, struct arena *arena)
{
    if (value->kind == TREE_INTEGER)
        return arena_printf(arena, "%lld", (long long)value->integer);
    if (value->kind == TREE_REAL && str_present(value->written))
        return arena_copy(arena, value->written);
    return arena_copy(arena, json_text(value));
}

// Forms and queries must send "+" as "%2B"; a "+" that was not escaped arrives as a blank.
// Spreadsheets turn 15551230001 into 15551230001.0 and 1.5551230001e10.
static struct str number_text(const struct json_view *value, const struct conversion *conversion)
{
    const struct json_view *set = &conversion->body->set;
    struct str text = as_text(value, conversion->arena);
    bool is_encoded = conversion->body->form;

    if (value->kind == TREE_REAL && str_present(value->written) && value->real > 0 &&
        value->real < 1e15 && value->real == (double)(int64_t)value->real)
        return arena_printf(conversion->arena, "%lld", (long long)value->real);
    for (size_t i = 0; !is_encoded && i < set->children.count; i++)
        is_encoded = value == &set->children.items[i];
    if (is_encoded && text.len > 1 && text.ptr[0] == ' ' && isdigit((unsigned char)text.ptr[1]))
        text = arena_printf(conversion->arena, "+%.*s", STR_ARG(str_skip(text, 1)));
    return text;
}

static bool phone_convert(const struct message_field *field, const struct json_view *value,
                          const struct conversion *conversion, struct str *out, struct err *err)
{
    char normal[PHONE_MAX];
    size_t length;

    if (!phone_normalize(number_text(value, conversion), normal, &length))
        return message_field_fault(field, PHONE_RULE, err);
    *out = arena_copy(conversion->arena, str_make(normal, length));
    return true;
}

// The sender is read as a number of the country of the number that was written to.
static bool sender_convert(const struct message_field *field, const struct json_view *value,
                           const struct conversion *conversion, struct str *out, struct err *err)
{
    char normal[SENDER_MAX];
    size_t length;

    if (!sender_normalize(number_text(value, conversion), body_home(conversion), normal, &length))
        return message_field_fault(field, SENDER_RULE, err);
    *out = arena_copy(conversion->arena, str_make(normal, length));
    return true;
}

static bool is_word(struct str text, struct str word)
{
    for (; text.len > 0; text = str_skip(text, 1)) {
        if (strchr(" \t_-", text.ptr[0]))
            continue;
        if (word.len == 0 || !str_equal_ignoring_case(str_make(text.ptr, 1), str_make(word.ptr, 1)))
            return false;
        word = str_skip(word, 1);
    }
    return word.len == 0;
}

// words_known: has the field any?
static bool word_find(struct str field, struct str text, int64_t *number, bool *words_known)
{
    static const struct {
        struct str field, word;
        int64_t number;
    } words[] = {
#define WORD(field, word, number) {STR_INIT(field), STR_INIT(word), number},
#include "wire/body/number_words.def"
#undef WORD
    };

    *words_known = false;
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (!str_equal(field, words[i].field))
            continue;
        *words_known = true;
        if (str_present(text) && is_word(text, words[i].word)) {
            *number = words[i].number;
            return true;
        }
    }
    return false;
}

static bool number_convert(const struct message_field *field, const struct json_view *value,
                           const struct conversion *conversion, uint32_t *out, struct err *err)
{
    struct str label = message_field_label(field), text = as_text(value, conversion->arena);
    bool words_known;
    int64_t number;
    bool is_number = conversion->lenient ? str_to_whole(text, INT64_MIN, INT64_MAX, &number)
                                         : str_to_int(text, INT64_MIN, INT64_MAX, &number);

    if (!is_number && !word_find(label, text, &number, &words_known))
        return message_field_fault(field,
                                   words_known ? "neither a whole number nor one of its words"
                                               : "not a whole number",
                                   err);
    if (number < field->minimum || number > field->maximum)
        return err_set(err, ERR_BAD_INPUT, "%.*s: not within %u to %u", STR_ARG(label),
                       field->minimum, field->maximum);
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

bool field_convert(const struct message_field *field, const struct json_view *value,
                   const struct conversion *conversion, void *out, struct err *err)
{
    struct arena *arena = conversion->arena;

    switch (field->type) {
    case FIELD_KIND_str:
        *(struct str *)out = as_text(value, arena);
        return str_present(*(struct str *)out) || message_field_fault(field, "not text", err);
    case FIELD_KIND_phone: return phone_convert(field, value, conversion, out, err);
    case FIELD_KIND_id:
        return id_parse(json_text(value), out) || message_field_fault(field, "not a UUID", err);
    case FIELD_KIND_u32: return number_convert(field, value, conversion, out, err);
    case FIELD_KIND_flag: return flag_convert(field, value, out, err);
    case FIELD_KIND_json: *(struct str *)out = json_compact(value, arena); return true;
    case FIELD_KIND_sender: return sender_convert(field, value, conversion, out, err);
    case FIELD_KIND_bytes: return message_field_fault(field, "not for requests", err);
    }
    return false;
}
