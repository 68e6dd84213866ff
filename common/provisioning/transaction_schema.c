// transaction_schema: see the header.
#include "provisioning/transaction_schema.h"

#include "provisioning/rules.h"
#include "provisioning/webhook_headers.h"
#include "wire/json/shape.h"

enum { SECTION_NAME_LIMIT = 128 };

static const struct section_option rows[] = {
#define SECTION(...)
#define OPTION(of, text, how, some_choices, presence, sentence)                                    \
    {.section = SECTION_KIND_##of,                                                                 \
     .name = text,                                                                                 \
     .form = FORM_##how,                                                                           \
     .choices = some_choices,                                                                      \
     .required = (presence) == REQUIRED,                                                           \
     .doc = sentence},
#include "provisioning/transactions.def"
};

static const struct {
    struct str transaction, pattern;
    const char *doc;
} kinds[SECTION_KIND_COUNT] = {
#define SECTION(id, of, text, summary)                                                             \
    [SECTION_KIND_##id] = {STR_INIT(of), STR_INIT(text), summary},
#define OPTION(...)
#include "provisioning/transactions.def"
};

struct str section_kind_transaction(enum section_kind kind)
{
    return kinds[kind].transaction;
}

struct str section_kind_pattern(enum section_kind kind)
{
    return kinds[kind].pattern;
}

const char *section_kind_doc(enum section_kind kind)
{
    return kinds[kind].doc;
}

const struct section_option *section_options(size_t *count)
{
    *count = COUNT_OF(rows);
    return rows;
}

bool transaction_is_known(struct str transaction)
{
    for (size_t i = 0; i < SECTION_KIND_COUNT; i++)
        if (str_equal(transaction, kinds[i].transaction))
            return true;
    return false;
}

// A pattern that ends in "*" is a prefix, and something follows it.
static bool matches(struct str pattern, struct str text)
{
    if (pattern.len == 0 || pattern.ptr[pattern.len - 1] != '*')
        return str_equal(pattern, text);
    struct str prefix = str_make(pattern.ptr, pattern.len - 1);
    return str_starts(text, prefix) && text.len > prefix.len;
}

bool section_kind_named(struct str transaction, struct str section, enum section_kind *kind)
{
    struct err ignored;

    if (section.len > SECTION_NAME_LIMIT || !section_name_check(section, &ignored))
        return false;
    for (size_t i = 0; i < SECTION_KIND_COUNT; i++) {
        if (str_equal(transaction, kinds[i].transaction) && matches(kinds[i].pattern, section)) {
            *kind = (enum section_kind)i;
            return true;
        }
    }
    return false;
}

static const struct section_option *option_named(enum section_kind kind, struct str name)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (rows[i].section == kind && matches(str_of(rows[i].name), name))
            return &rows[i];
    return NULL;
}

struct writer {
    const struct sealer *sealer;
    struct arena *arena;
    struct str section;
    struct buf *options, *secret;
};

static bool option_write(struct writer *writer, const struct section_option *option,
                         struct str name, struct str spelled, struct err *err)
{
    const char *key = arena_c_string(writer->arena, name);
    AUTO(buf) sealed = {0};

    if (option->form != FORM_SECRET) {
        json_key_str(writer->options, key, spelled);
        return true;
    }
    if (!writer->sealer->seal(writer->sealer->context, writer->section, name, spelled, &sealed,
                              err))
        return false;
    json_key_str(writer->secret, key, buf_str(&sealed));
    return true;
}

static size_t members_count(const struct json_view *object)
{
    const struct json_view *value;
    struct str name;
    size_t count = 0, cursor = 0;

    while (json_object_next(object, &cursor, &name, &value))
        count++;
    return count;
}

static bool options_read(struct writer *writer, enum section_kind kind,
                         const struct json_view *options, struct str path, struct err *err)
{
    const struct json_view *value;
    struct str name, spelled;
    size_t cursor = 0;
    struct err broken;

    if (json_kind(options) != TREE_OBJECT)
        return shape_fault(err, path, "must be an object");
    if (kind == SECTION_KIND_ASYNC && members_count(options) > WEBHOOK_HEADERS_LIMIT)
        return shape_fault(err, path, "at most 16 headers are allowed");
    while (json_object_next(options, &cursor, &name, &value)) {
        const struct section_option *option = option_named(kind, name);
        struct str at = shape_path(writer->arena, path, arena_c_string(writer->arena, name));
        if (!option)
            return shape_fault(err, at, "unknown");
        if (json_kind(value) == TREE_NULL)
            continue;
        if (json_kind(value) != TREE_TEXT)
            return shape_fault(err, at, "must be a text");
        if (!form_read(option->form, option->choices, name, json_text(value), writer->arena,
                       &spelled, &broken))
            return shape_fault(err, at, broken.text);
        if (!option_write(writer, option, name, spelled, err))
            return false;
    }
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (rows[i].section == kind && rows[i].required &&
            json_kind(json_member(options, rows[i].name)) == TREE_NULL)
            return shape_fault(err, shape_path(writer->arena, path, rows[i].name), "missing");
    return true;
}

bool section_document_read(struct str transaction, struct str section,
                           const struct json_view *options, struct str path,
                           const struct sealer *sealer, struct arena *arena,
                           struct section_document *read, struct err *err)
{
    AUTO(buf) plain = {0};
    AUTO(buf) secret = {0};
    struct writer writer = {
        .sealer = sealer, .arena = arena, .section = section, .options = &plain, .secret = &secret};
    enum section_kind kind;

    if (!section_kind_named(transaction, section, &kind))
        return shape_fault(err, path.len ? path : section, "unknown section");
    json_open(&plain, '{');
    json_open(&secret, '{');
    if (!options_read(&writer, kind, options, path, err))
        return false;
    json_close(&plain, '}');
    json_close(&secret, '}');
    *read = (struct section_document){.options = arena_copy(arena, buf_str(&plain)),
                                      .secret = arena_copy(arena, buf_str(&secret))};
    return true;
}
