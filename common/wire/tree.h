// tree: a JSON value in an arena, whatever it was written in: JSON text (codec_json.c), YAML
// (codec_yaml.c) and forms (codec_form.c) become the same tree, from which messages are made (body.c). Private to these.
#pragma once

#include "base/arena.h"
#include "base/str.h"
#include "wire/charset.h"
#include "wire/codec_json.h"

struct json_view {
    struct str name; // as a member of an object; the label of an element of a form's array
    enum tree_kind kind;
    uint32_t capacity; // of children
    // A number or flag as its writer spelled it, where that was YAML; a number of TREE_LENIENT JSON
    // that is no TREE_INTEGER.
    struct str written;
    union {
        bool flag;
        int64_t integer;
        double real;
        struct str text;
        struct {
            struct json_view *items;
            size_t count;
        } children; // of an array or object, in order
    };
};

// Adds a child at the end, null yet, and returns it; it moves when the next one is added. name ends
// in a NUL, as arena_copy() leaves it.
struct json_view *tree_add(struct json_view *parent, struct str name, struct arena *arena);
// The first child of that name; NULL if there is none.
struct json_view *tree_find(const struct json_view *parent, struct str name);
void tree_write(const struct json_view *value, struct buf *out); // compact JSON

enum tree_manner {
    TREE_STRICT,
    // What people wrote, in whatever shape: texts lose what cannot be read in them (U+FFFD) and nothing
    // else, members and pairs may come twice, pairs that are none are passed over.
    TREE_LENIENT,
};

// What is read, and how.
struct tree_reading {
    enum tree_manner manner;
    // Of the bytes that a form's pairs are made of; NULL: nobody said.
    const struct charset *charset;
    // NULL: all is read. Else members and pairs that it says no to are passed over, whatever they hold, and
    // cost nothing. wrapper: the object that the member is in, which is itself one of the outermost; absent: it is
    // outermost. Deeper ones are read. Of a form's pair the first step counts, as outermost.
    bool (*is_read)(const void *context, struct str wrapper, struct str name);
    const void *context;
};

// The two readers. A form's root is an object, that of JSON may be anything.
MUST_USE bool tree_from_json(struct str text, const struct tree_reading *what, struct arena *arena,
                             struct json_view *root, struct err *err);
MUST_USE bool tree_from_form(struct str text, const struct tree_reading *what, struct arena *arena,
                             struct json_view *root, struct err *err);
