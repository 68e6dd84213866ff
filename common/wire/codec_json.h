// codec_json: JSON and form bodies, path and query parameters to a message. codec_json.c is the
// only file here that knows jansson.
//
//   struct body *body = NULL;
//   body_from_json(text, &body, &err) || body_from_form(text, &body, &err) || body_empty()
//   body_set(body, "id", path_value);                       path and query parameters
//   body_to_message(body, type, STRICT, arena, &message, &err);
//   body_free(&body);
//
// JSON: RFC 8259, depth 32 and 20000 values at most, duplicate keys refused; errors give line,
// column and byte offset of where reading stopped. Forms: application/x-www-form-urlencoded with
// a[b][c]=, a[]=, a[0].b= and a[0][b]= nesting as jQuery and the aggregators send it, 1000 pairs
// and depth 16 at most; errors give the pair's number. A body may be wrapped as
// {"operationId":…,"data":{…}}; then fields are looked up in data first, unless the message has a
// field called data.
//
// A number is accepted where text is declared and becomes its digits; decimal text is accepted
// where a number is. In a form, which cannot say null, an empty value is absent where empty is not
// allowed. Of a field's names the first one present counts.
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/id.h"
#include "wire/message.h"

struct body;

enum body_strictness {
    BODY_TOLERANT, // documented paths: fields we do not know are ignored
    BODY_STRICT,   // our own paths: they are refused by name
};

struct body *body_empty(void);
MUST_USE bool body_from_json(struct str text, struct body **body, struct err *err);
MUST_USE bool body_from_form(struct str text, struct body **body, struct err *err);
void body_free(struct body **body);

// Sets a member to a string; it counts before the body's own: the path is right.
void body_set(struct body *body, struct str name, struct str value);
// The body's own operationId where it is a UUID; none otherwise.
struct id body_operation(const struct body *body);

// Converts and checks each field by its declaration (wire/message.h); strings are copied to the
// arena. Errors are ERR_BAD_INPUT and name the field and the rule.
MUST_USE bool body_to_message(const struct body *body, const struct message_type *type,
                              enum body_strictness strictness, struct arena *arena, void **message,
                              struct err *err);

// Reading JSON that other programs sent us (webhook answers, configuration files). Values live in
// the arena; absent when the member is missing or of another type.
struct json_view;
MUST_USE bool json_parse(struct str text, struct arena *arena, const struct json_view **view,
                         struct err *err);
enum tree_kind {
    TREE_NULL,
    TREE_BOOL,
    TREE_INTEGER,
    TREE_REAL,
    TREE_TEXT,
    TREE_ARRAY,
    TREE_OBJECT
};

enum tree_kind json_kind(const struct json_view *view); // TREE_NULL for NULL, too
const struct json_view *json_member(const struct json_view *object,
                                    const char *name); // NULL if none
const struct json_view *json_element(const struct json_view *array,
                                     size_t index); // NULL past the end
struct str json_text(
    const struct json_view *view); // a string's content; absent for others and NULL
// The same; and a number or flag as it was spelled, where a person wrote it in YAML (codec_yaml.h).
struct str json_written(const struct json_view *view);
bool json_number(const struct json_view *view, int64_t *number);
bool json_is_true(const struct json_view *view);
bool json_object_next(const struct json_view *object, size_t *cursor, struct str *name,
                      const struct json_view **value);                      // members in order
struct str json_compact(const struct json_view *view, struct arena *arena); // its text again
