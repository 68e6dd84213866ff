// body: what the files of this folder share; codec_json.h declares what others may use.
#pragma once

#include "wire/json/codec_json.h"
#include "wire/json/tree.h"

struct body {
    struct arena *arena;
    struct json_view set;  // path and query parameters
    struct json_view root; // an object
    bool form;             // a form cannot say null: an empty value means it
    bool came;             // false: the request had no body
};

MUST_USE bool body_of_json(struct str text, const struct tree_reading *what, struct body **body,
                           struct err *err);
MUST_USE bool body_of_form(struct str text, const struct tree_reading *what, struct body **body,
                           struct err *err);
bool body_type_reads(const struct message_type *type, struct str name); // has a field of that name

// How the fields of one message are read.
struct conversion {
    const struct body *body;
    const struct message_type *type;
    const struct json_view *layers[3]; // path and query, "data", the body
    size_t layer_count;
    bool lenient;
    struct arena *arena;
    struct err *err;
};

// Converts a value to the type of its field. out: the field in its message, or a variable like it.
MUST_USE bool field_convert(const struct message_field *field, const struct json_view *value,
                            const struct conversion *conversion, void *out, struct err *err);
// The number that was written to: the phone field of the message; absent where there is none.
struct str body_home(const struct conversion *conversion);
