// codec_json: JSON and form bodies, path and query parameters to a message.
//
//   struct body *body = NULL;
//   body_from_bytes(bytes, content_type, type, strictness, &body, &err) || body_empty()
//   body_set(body, "id", path_value);                       path and query parameters
//   body_to_message(body, type, strictness, arena, &message, &err);
//   body_free(&body);
//
// JSON: RFC 8259, depth 32 and 20000 values at most, duplicate keys refused; errors give line,
// column and byte offset of where reading stopped. Forms: application/x-www-form-urlencoded with
// a[b][c]=, a[]=, a[0].b= and a[0][b]= nesting as jQuery and the aggregators send it, 1000 pairs
// and depth 16 at most; errors give the pair's number. A body may be wrapped as
// {"operationId":…,"data":{…}}; then fields are looked up in data first, unless the message has a
// field called data. Names count as they are spelled, case included. A byte order mark is passed
// over, and a declared charset is read as such (text/charset.h).
//
// A number is accepted where text is declared and becomes its digits; decimal text is accepted
// where a number is. A form cannot say null, so there an empty value is absent unless the field may
// be empty. If a field comes under several of its names, the first one that is neither null nor
// empty counts.
//
// BODY_LENIENT is for messages of people that aggregators forward: everything that can be stored is
// accepted.
//   - Unknown fields are skipped: they may have any shape, size and depth, and occur twice.
//   - A flag, a list or an object in place of a text (of a KEPT field) is taken as its JSON text.
//   - An optional field that cannot be read, or is over its limit, is left out (wire/message.h:
//     KEPT).
//   - JSON and forms are recognised by their content, whatever the declared type.
//   - Bytes that are not in the declared encoding, NUL, and half a surrogate pair become U+FFFD. If
//     nothing was declared, bytes that are not UTF-8 are read as windows-1252.
//   - A value over its limit is refused as ERR_TOO_LARGE. A field that must be understood and comes
//     twice with different values is refused as ERR_BAD_INPUT.
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/id.h"
#include "wire/message.h"

struct body;

enum body_strictness {
    BODY_LENIENT,  // people's texts: see above
    BODY_TOLERANT, // documented paths: fields we do not know are ignored
    BODY_STRICT,   // our own paths: they are refused by name
};

struct body *body_empty(void);
// content_type: the header's value; absent: none. ERR_UNSUPPORTED_MEDIA: the type is not accepted.
MUST_USE bool body_from_bytes(struct str bytes, struct str content_type,
                              const struct message_type *type, enum body_strictness strictness,
                              struct body **body, struct err *err);
// Exactly JSON, or exactly a form, in UTF-8.
MUST_USE bool body_from_json(struct str text, struct body **body, struct err *err);
MUST_USE bool body_from_form(struct str text, struct body **body, struct err *err);
void body_free(struct body **body);

// Sets a member to a string. It takes precedence over a member of the body with that name.
void body_set(struct body *body, struct str name, struct str value);
// The same, but false if it was already set to another value.
MUST_USE bool body_set_once(struct body *body, struct str name, struct str value);
// The same for all parameters of a query, read as leniently as forms under BODY_LENIENT.
void body_set_query(struct body *body, struct str query, const struct message_type *type);
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
// The same; for a number or flag of a YAML file (codec_yaml.h), how it was spelled there.
struct str json_written(const struct json_view *view);
bool json_number(const struct json_view *view, int64_t *number);
bool json_is_true(const struct json_view *view);
bool json_object_next(const struct json_view *object, size_t *cursor, struct str *name,
                      const struct json_view **value);                      // members in order
struct str json_compact(const struct json_view *view, struct arena *arena); // its text again
// JSON text from PostgreSQL without the blanks between its tokens. Any other text stays as it is.
struct str json_squeeze(struct str json, struct arena *arena);
