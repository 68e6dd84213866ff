// shape: see the header.
#include "wire/json/shape.h"

bool shape_fault(struct err *err, struct str path, const char *rule)
{
    return err_set(err, ERR_BAD_INPUT, "%.*s: %s", STR_ARG(path.len ? path : STR("document")),
                   rule);
}

struct str shape_path(struct arena *arena, struct str parent, const char *name)
{
    return arena_printf(arena, "%.*s%s%s", STR_ARG(parent), parent.len ? "." : "", name);
}

struct str shape_path_at(struct arena *arena, struct str parent, const char *name, size_t index)
{
    return arena_printf(arena, "%.*s%s%s[%zu]", STR_ARG(parent), parent.len && *name ? "." : "",
                        name, index);
}

size_t shape_length(const struct json_view *list)
{
    size_t length = 0;

    while (json_element(list, length))
        length++;
    return length;
}

// "${ccid}": what a template left behind.
static bool is_placeholder(struct str value)
{
    enum { LONGEST = 64 };
    size_t fault;

    return str_starts(value, STR("${")) && value.len <= LONGEST &&
           value.ptr[value.len - 1] == '}' && str_is_utf8(value, &fault);
}

static bool text_refuse(struct str path, struct str value, const char *rule, struct err *err)
{
    if (!is_placeholder(value))
        return shape_fault(err, path, rule);
    return err_set(err, ERR_BAD_INPUT, "%.*s: %s; \"%.*s\" is an unfilled placeholder",
                   STR_ARG(path), rule, STR_ARG(value));
}

bool shape_text(const struct json_view *view, struct str path, int64_t minimum, int64_t maximum,
                rule_fn *rule, struct str *text, struct err *err)
{
    struct str value = json_written(view);
    struct err broken;

    if (!str_present(value))
        return shape_fault(err, path, "must be a text");
    // A rule says more than a count of bytes.
    if (rule && value.len > 0 && !rule(value, &broken))
        return text_refuse(path, value, broken.text, err);
    if ((int64_t)value.len < minimum || (int64_t)value.len > maximum)
        return err_set(err, ERR_BAD_INPUT, "%.*s: %lld to %lld bytes are allowed", STR_ARG(path),
                       (long long)minimum, (long long)maximum);
    *text = value;
    return true;
}

static bool number_read(const struct json_view *view, struct str path, const struct member *member,
                        int64_t *number, struct err *err)
{
    int64_t value;

    if (!json_number(view, &value) || value < member->minimum || value > member->maximum)
        return err_set(err, ERR_BAD_INPUT, "%.*s: must be a whole number from %lld to %lld",
                       STR_ARG(path), (long long)member->minimum, (long long)member->maximum);
    *number = value;
    return true;
}

static bool list_check(const struct json_view *view, struct str path, const struct member *member,
                       struct err *err)
{
    size_t length = shape_length(view);

    if (json_kind(view) != TREE_ARRAY)
        return shape_fault(err, path, "must be a list");
    if ((int64_t)length < member->minimum || (int64_t)length > member->maximum)
        return err_set(err, ERR_BAD_INPUT, "%.*s: %lld to %lld elements are allowed", STR_ARG(path),
                       (long long)member->minimum, (long long)member->maximum);
    return true;
}

static bool member_read(const struct json_view *view, struct str path, const struct member *member,
                        void *values, struct err *err)
{
    void *field = (char *)values + member->offset;

    switch (member->kind) {
    case KIND_TEXT:
        return shape_text(view, path, member->minimum, member->maximum, member->rule, field, err);
    case KIND_NUMBER: return number_read(view, path, member, field, err);
    case KIND_FLAG:
        if (json_kind(view) != TREE_BOOL)
            return shape_fault(err, path, "must be true or false");
        *(bool *)field = json_is_true(view);
        return true;
    case KIND_OBJECT:
        if (json_kind(view) != TREE_OBJECT)
            return shape_fault(err, path, "must be an object");
        break;
    case KIND_LIST:
        if (!list_check(view, path, member, err))
            return false;
        break;
    case KIND_ANY: break;
    }
    *(const struct json_view **)field = view;
    return true;
}

static const struct member *member_find(const struct member *members, size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++)
        if (str_equal(name, str_of(members[i].name)))
            return &members[i];
    return NULL;
}

static bool members_read(const struct json_view *view, struct str path,
                         const struct member *members, size_t count, bool tolerant,
                         struct arena *arena, void *values, struct err *err)
{
    const struct json_view *value;
    struct str name;
    size_t cursor = 0;

    if (json_kind(view) != TREE_OBJECT)
        return shape_fault(err, path, "must be an object");
    while (json_object_next(view, &cursor, &name, &value)) {
        const struct member *member = member_find(members, count, name);
        struct str at = shape_path(arena, path, arena_c_string(arena, name));
        if (!member && tolerant)
            continue;
        if (!member)
            return shape_fault(err, at, "unknown member");
        if (json_kind(value) != TREE_NULL && !member_read(value, at, member, values, err))
            return false;
    }
    for (size_t i = 0; i < count; i++)
        if (members[i].presence == REQUIRED &&
            json_kind(json_member(view, members[i].name)) == TREE_NULL)
            return shape_fault(err, shape_path(arena, path, members[i].name), "missing");
    return true;
}

bool shape_read(const struct json_view *view, struct str path, const struct member *members,
                size_t count, struct arena *arena, void *values, struct err *err)
{
    return members_read(view, path, members, count, false, arena, values, err);
}

bool shape_read_tolerant(const struct json_view *view, struct str path,
                         const struct member *members, size_t count, struct arena *arena,
                         void *values, struct err *err)
{
    return members_read(view, path, members, count, true, arena, values, err);
}
