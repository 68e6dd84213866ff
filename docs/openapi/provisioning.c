// provisioning: see the header.
#include "provisioning.h"

#include "schema.h"

#include "provisioning/service_schema.h"
#include "provisioning/transaction_schema.h"

// --- one text

static void text_of_form(struct buf *out, enum form form)
{
    static const char *const patterns[FORM_COUNT_OF] = {
        [FORM_FLAG] = "^(true|false)$",           [FORM_COUNT] = "^[1-9][0-9]{0,6}$",
        [FORM_DURATION] = "^[0-9]+(ms|s|m|h|d)$", [FORM_NAME] = "^[A-Za-z0-9_.-]{1,128}$",
        [FORM_SENDER] = "^([0-9]{5}|[0-9]{10})$", [FORM_URL] = "^(https?://.+|N/A)$",
        [FORM_WEBHOOK] = "^https?://.+$",         [FORM_MAIL_URL] = "^smtps?://.+$",
    };

    json_key_str(out, "type", STR("string"));
    if (patterns[form])
        json_key_str(out, "pattern", str_of(patterns[form]));
    if (form == FORM_SECRET) {
        json_key_int(out, "minLength", 1);
        json_key_int(out, "maxLength", 256);
    }
}

static void choices_of(struct buf *out, const char *choices)
{
    struct str one, others = str_of(choices);

    json_key(out, "enum");
    json_open(out, '[');
    while (str_present(others)) {
        str_cut(others, '|', &one, &others);
        json_str(out, one);
    }
    json_close(out, ']');
}

// Members of a schema, for one value of this form.
static void form_members(struct buf *out, enum form form, const char *choices, const char *doc)
{
    AUTO(buf) text = {0};

    text_of_form(out, form);
    if (form == FORM_CHOICE)
        choices_of(out, choices);
    buf_printf(&text, "%s%sForm: %s.", doc, *doc ? " " : "",
               form == FORM_CHOICE ? "one of the words given" : form_doc(form));
    json_key_str(out, "description", buf_str(&text));
}

// --- services

static void service_object(struct buf *out, enum service_kind kind, struct str prefix);

// What follows the prefix in the row's path, if that is one step: "url" of "data.webhook.url".
static struct str child_name(const struct document_part *part, struct str prefix)
{
    struct str path = str_of(part->path), name, rest;

    if (!str_starts(path, prefix))
        return STR_ABSENT;
    str_cut(str_skip(path, prefix.len), '.', &name, &rest);
    return str_present(rest) || memchr(name.ptr, '[', name.len) ? STR_ABSENT : name;
}

static void secret_schema(struct buf *out, const struct document_part *part)
{
    json_open(out, '{');
    json_key_bool(out, "writeOnly", true);
    json_key_str(out, "description", str_of(part->doc));
    json_key(out, "anyOf");
    json_open(out, '[');
    json_raw(out, STR("{\"type\":\"string\",\"minLength\":1,\"maxLength\":256}"));
    json_raw(out, STR("{\"type\":\"array\",\"minItems\":1,\"maxItems\":2,\"items\":{\"type\":"
                      "\"string\"},\"description\":\"While it is rotated: the new one first.\"}"));
    json_close(out, ']');
    json_close(out, '}');
}

static void part_schema(struct buf *out, const struct document_part *part)
{
    AUTO(buf) below = {0};

    switch (part->kind) {
    case PART_SECRET: secret_schema(out, part); break;
    case PART_VALUE:
        json_open(out, '{');
        form_members(out, part->form, part->choices, part->doc);
        json_close(out, '}');
        break;
    case PART_OBJECT:
        buf_printf(&below, "%s.", part->path);
        service_object(out, part->service, buf_str(&below));
        break;
    case PART_LIST:
        buf_printf(&below, "%s[].", part->path);
        json_open(out, '{');
        json_key_str(out, "type", STR("array"));
        json_key_str(out, "description", str_of(part->doc));
        json_key(out, "items");
        service_object(out, part->service, buf_str(&below));
        json_close(out, '}');
        break;
    }
}

// The object whose members' paths begin with the prefix.
static void service_object(struct buf *out, enum service_kind kind, struct str prefix)
{
    size_t count;
    const struct document_part *parts = service_parts(&count);

    json_open(out, '{');
    json_key_str(out, "type", STR("object"));
    json_key(out, "properties");
    json_open(out, '{');
    for (size_t i = 0; i < count; i++) {
        struct str name = child_name(&parts[i], prefix);
        if (parts[i].service != kind || !str_present(name))
            continue;
        AUTO(buf) key = {0};
        buf_str_append(&key, name);
        json_key(out, buf_c_string(&key));
        part_schema(out, &parts[i]);
    }
    json_close(out, '}');
    // A secret that is left out stays as it is, so the schema demands none.
    if (!str_starts(prefix, STR("secret"))) {
        json_key(out, "required");
        json_open(out, '[');
        for (size_t i = 0; i < count; i++)
            if (parts[i].service == kind && parts[i].required &&
                str_present(child_name(&parts[i], prefix)))
                json_str(out, child_name(&parts[i], prefix));
        json_close(out, ']');
    }
    json_key_bool(out, "additionalProperties", false);
    json_close(out, '}');
}

// Has the service a part below the prefix, or one that must be there?
static bool service_has(enum service_kind kind, struct str prefix, bool required)
{
    size_t count;
    const struct document_part *parts = service_parts(&count);

    for (size_t i = 0; i < count; i++)
        if (parts[i].service == kind && str_starts(str_of(parts[i].path), prefix) &&
            (parts[i].required || !required))
            return true;
    return false;
}

// "data" and "secret" have no row of their own: they are there when something in them is.
static void service_schema(struct buf *out, enum service_kind kind)
{
    size_t count;
    const struct document_part *parts = service_parts(&count);

    json_open(out, '{');
    json_key_str(out, "description", str_of(service_kind_doc(kind)));
    json_key_str(out, "type", STR("object"));
    json_key(out, "properties");
    json_open(out, '{');
    for (size_t i = 0; i < count; i++) {
        if (parts[i].service != kind || !str_equal(str_of(parts[i].path), STR("url")))
            continue;
        json_key(out, "url");
        part_schema(out, &parts[i]);
    }
    if (service_has(kind, STR("data."), false)) {
        json_key(out, "data");
        service_object(out, kind, STR("data."));
    }
    if (service_has(kind, STR("secret."), false)) {
        json_key(out, "secret");
        service_object(out, kind, STR("secret."));
    }
    json_close(out, '}');
    json_key(out, "required");
    json_open(out, '[');
    if (service_has(kind, STR("url"), true))
        json_str(out, STR("url"));
    if (service_has(kind, STR("data."), true))
        json_str(out, STR("data"));
    json_close(out, ']');
    json_close(out, '}');
}

static void service_schema_name(struct buf *name, enum service_kind kind)
{
    buf_clear(name);
    buf_printf(name, "service.%.*s", STR_ARG(service_kind_name(kind)));
}

// --- sections

static void section_schema(struct buf *out, enum section_kind kind)
{
    static const struct str any = STR_INIT(":*");
    size_t count;
    const struct section_option *options = section_options(&count), *rest = NULL;

    json_open(out, '{');
    json_key_str(out, "description", str_of(section_kind_doc(kind)));
    json_key_str(out, "type", STR("object"));
    json_key(out, "properties");
    json_open(out, '{');
    for (size_t i = 0; i < count; i++) {
        if (options[i].section != kind)
            continue;
        if (str_ends(str_of(options[i].name), any)) {
            rest = &options[i];
            continue;
        }
        json_key(out, options[i].name);
        json_open(out, '{');
        form_members(out, options[i].form, options[i].choices, options[i].doc);
        json_close(out, '}');
    }
    json_close(out, '}');
    if (rest) {
        AUTO(buf) pattern = {0};
        struct str name = str_of(rest->name);
        buf_printf(&pattern, "^%.*s", (int)name.len - 1, name.ptr);
        json_key(out, "patternProperties");
        json_open(out, '{');
        json_key(out, buf_c_string(&pattern));
        json_open(out, '{');
        form_members(out, rest->form, rest->choices, rest->doc);
        json_close(out, '}');
        json_close(out, '}');
    }
    json_key(out, "required");
    json_open(out, '[');
    for (size_t i = 0; i < count; i++)
        if (options[i].section == kind && options[i].required)
            json_str(out, str_of(options[i].name));
    json_close(out, ']');
    json_key_bool(out, "additionalProperties", false);
    json_close(out, '}');
}

// "chat.*" of NexusServices → section.NexusServices.chat
static void section_schema_name(struct buf *name, enum section_kind kind)
{
    struct str pattern = section_kind_pattern(kind), label, rest;

    str_cut(pattern, '.', &label, &rest);
    if (str_equal(label, STR("*")))
        label = STR("any");
    buf_clear(name);
    buf_printf(name, "section.%.*s.%.*s", STR_ARG(section_kind_transaction(kind)), STR_ARG(label));
}

// --- both

void provisioning_schemas(struct buf *out)
{
    AUTO(buf) name = {0};

    for (int kind = 0; kind < SERVICE_KIND_COUNT; kind++) {
        service_schema_name(&name, (enum service_kind)kind);
        json_key(out, buf_c_string(&name));
        service_schema(out, (enum service_kind)kind);
    }
    for (int kind = 0; kind < SECTION_KIND_COUNT; kind++) {
        section_schema_name(&name, (enum section_kind)kind);
        json_key(out, buf_c_string(&name));
        section_schema(out, (enum section_kind)kind);
    }
}

static void any_service(struct buf *out)
{
    AUTO(buf) name = {0};

    json_key(out, "anyOf");
    json_open(out, '[');
    for (int kind = 0; kind < SERVICE_KIND_COUNT; kind++) {
        service_schema_name(&name, (enum service_kind)kind);
        schema_ref(out, "schemas", buf_c_string(&name));
    }
    json_close(out, ']');
}

static void any_section(struct buf *out)
{
    AUTO(buf) name = {0};

    json_key(out, "anyOf");
    json_open(out, '[');
    for (int kind = 0; kind < SECTION_KIND_COUNT; kind++) {
        section_schema_name(&name, (enum section_kind)kind);
        schema_ref(out, "schemas", buf_c_string(&name));
    }
    json_close(out, ']');
}

bool provisioning_body(struct buf *out, const struct route *route)
{
    if (route->message == MSG_SERVICE_WRITE) {
        json_open(out, '{');
        json_key_str(out, "description",
                     STR("The service that serviceName in the path names. A secret that is left "
                         "out stays as it is."));
        any_service(out);
        json_close(out, '}');
        return true;
    }
    if (route->message != MSG_TRANSACTION_WRITE)
        return false;
    bool one = str_ends(route->path, STR("{section}"));
    json_open(out, '{');
    json_key_str(out, "description",
                 one ? STR("Options of the section; all of them are texts.")
                     : STR("All sections of the transaction by name; those left out are removed."));
    if (!one) {
        json_key_str(out, "type", STR("object"));
        json_key(out, "additionalProperties");
        json_open(out, '{');
    }
    any_section(out);
    if (!one)
        json_close(out, '}');
    json_close(out, '}');
    return true;
}
