// tree: a JSON value in an arena. JSON text (codec_json.c), YAML (nexusctl/yaml/codec_yaml.c) and
// forms (codec_form.c) become the same kind of tree, from which messages are made (body.c). Private
// to these.
#pragma once

#include "base/arena.h"
#include "base/str.h"
#include "text/charset.h"
#include "wire/json/codec_json.h"

struct json_view {
    struct str name; // as a member of an object; the label of an element of a form's array
    enum tree_kind kind;
    uint32_t capacity; // of children
    // The spelling of a number or flag in YAML, and of a number in TREE_LENIENT JSON that is no
    // TREE_INTEGER.
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
    // For messages of people: unreadable bytes of a text become U+FFFD and nothing else is lost,
    // members and pairs may occur twice, malformed pairs are skipped.
    TREE_LENIENT,
};

// What is read, and how.
struct tree_reading {
    enum tree_manner manner;
    // The encoding of a form's pairs; NULL: not declared.
    const struct charset *charset;
    // NULL: everything is read. Otherwise members and pairs for which it returns false are skipped
    // and cost nothing. wrapper: the outermost member whose object holds this member; absent: the
    // member itself is outermost. Deeper members are read. For a pair of a form the first step of
    // its name counts, as outermost.
    bool (*is_read)(const void *context, struct str wrapper, struct str name);
    const void *context;
};

// The two readers. A form's root is an object, that of JSON may be anything.
MUST_USE bool tree_from_json(struct str text, const struct tree_reading *what, struct arena *arena,
                             struct json_view *root, struct err *err);
MUST_USE bool tree_from_form(struct str text, const struct tree_reading *what, struct arena *arena,
                             struct json_view *root, struct err *err);
