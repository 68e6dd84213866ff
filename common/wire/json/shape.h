// shape: reads a JSON object into a struct, by a table of the members it may have.
//
//   struct webhook { struct str url; … };
//   static const struct member members[] = {
//       MEMBER_TEXT(webhook, url, "url", REQUIRED, 1, 2048, url_check), …
//   };
//   shape_read(view, STR("tenants[0].webhook"), members, COUNT_OF(members), arena, &webhook, &err)
//
// A member that is missing, unknown, of another type or against its rule is ERR_BAD_INPUT, and the
// error names its path. A member that is null counts as missing; a missing one leaves its field as
// it was, which is how defaults are set. Where a text is expected, a number or flag of a YAML file
// counts as it is spelled there; in JSON it has to be a string.
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "wire/json/codec_json.h"
#include "wire/presence.h"

enum member_kind { KIND_TEXT, KIND_NUMBER, KIND_FLAG, KIND_OBJECT, KIND_LIST, KIND_ANY };

// A rule for a text, beyond its length; its error is a sentence without the path.
typedef bool rule_fn(struct str text, struct err *err);

struct member {
    const char *name;
    enum member_kind kind;
    enum presence presence;
    size_t offset;            // of struct str, int64_t, bool or const struct json_view *
    int64_t minimum, maximum; // bytes of a text, value of a number, elements of a list
    rule_fn *rule;            // of a text
};

// clang-format off
#define MEMBER_TEXT(type, field, label, presence_, low, high, rule_) \
    {.name = (label), .kind = KIND_TEXT, .presence = (presence_), .offset = offsetof(struct type, field), .minimum = (low), .maximum = (high), .rule = (rule_)}
#define MEMBER_NUMBER(type, field, label, presence_, low, high) \
    {.name = (label), .kind = KIND_NUMBER, .presence = (presence_), .offset = offsetof(struct type, field), .minimum = (low), .maximum = (high)}
#define MEMBER_FLAG(type, field, label) \
    {.name = (label), .kind = KIND_FLAG, .offset = offsetof(struct type, field)}
#define MEMBER_LIST(type, field, label, presence_, low, high) \
    {.name = (label), .kind = KIND_LIST, .presence = (presence_), .offset = offsetof(struct type, field), .minimum = (low), .maximum = (high)}
#define MEMBER_OBJECT(type, field, label) \
    {.name = (label), .kind = KIND_OBJECT, .offset = offsetof(struct type, field)}
#define MEMBER_ANY(type, field, label, presence_) \
    {.name = (label), .kind = KIND_ANY, .presence = (presence_), .offset = offsetof(struct type, field)}
// clang-format on

MUST_USE bool shape_read(const struct json_view *view, struct str path,
                         const struct member *members, size_t count, struct arena *arena,
                         void *values, struct err *err);

// The same, but members that the table does not know are ignored, for documented paths.
MUST_USE bool shape_read_tolerant(const struct json_view *view, struct str path,
                                  const struct member *members, size_t count, struct arena *arena,
                                  void *values, struct err *err);

// One text that stands alone, as an element of a list.
MUST_USE bool shape_text(const struct json_view *view, struct str path, int64_t minimum,
                         int64_t maximum, rule_fn *rule, struct str *text, struct err *err);

// How many elements a list has; 0 for NULL.
size_t shape_length(const struct json_view *list);
struct str shape_path(struct arena *arena, struct str parent, const char *name);
struct str shape_path_at(struct arena *arena, struct str parent, const char *name, size_t index);
bool shape_fault(struct err *err, struct str path, const char *rule); // returns false
