// body: what body.c and body_read.c share; all else is codec_json.h's.
#pragma once

#include "wire/codec_json.h"
#include "wire/tree.h"

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

// The value as the field has it. out: the field's place, or one like it.
MUST_USE bool field_convert(const struct message_field *field, const struct json_view *value,
                            const struct conversion *conversion, void *out, struct err *err);
// The number that was written to: the phone field of the message; absent where there is none.
struct str body_home(const struct conversion *conversion);
