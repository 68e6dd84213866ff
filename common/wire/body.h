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

MUST_USE bool body_of_json(struct str text, enum tree_manner manner, struct body **body,
                           struct err *err);
MUST_USE bool body_of_form(struct str text, const struct form_manner *manner, struct body **body,
                           struct err *err);
bool body_type_reads(const struct message_type *type, struct str name); // has a field of that name
