// docs-generator DIRECTORY: writes the reference from the tables from which the programs are made.
#include "base/err.h"
#include "base/panic.h"
#include "config/config.h"
#include "docs/reference/provisioning.h"
#include "docs/reference/replies.h"
#include "docs/reference/routes.h"
#include "telemetry/metrics.h"
#include "wire/message.h"

#include <errno.h>

struct doc_setting {
    const char *name;
    enum config_kind kind;
    const char *fallback;
    bool secret;
    int64_t minimum, maximum;
    const char *doc;
};

// clang-format off
static const struct doc_setting settings[] = {
    {.doc = "every program"}, // a row without a name begins a program
#include "docs/reference/setting_row.h"
#include "service/config.def"
#if __has_include("gateway/config.def")
    {.doc = "gateway"},
#include "docs/reference/setting_row.h"
#include "gateway/config.def"
#endif
#if __has_include("chat-worker/config.def")
    {.doc = "chat-worker"},
#include "docs/reference/setting_row.h"
#include "chat-worker/config.def"
#endif
#if __has_include("sms-worker/config.def")
    {.doc = "sms-worker"},
#include "docs/reference/setting_row.h"
#include "sms-worker/config.def"
#endif
#if __has_include("provisioning-worker/config.def")
    {.doc = "provisioning-worker"},
#include "docs/reference/setting_row.h"
#include "provisioning-worker/config.def"
#endif
#if __has_include("metrics-agent/config.def")
    {.doc = "metrics-agent"},
#include "docs/reference/setting_row.h"
#include "metrics-agent/config.def"
#endif
#if __has_include("simulator/config.def")
    {.doc = "simulator"},
#include "docs/reference/setting_row.h"
#include "simulator/config.def"
#endif
};
// clang-format on

struct doc_page {
    const char *file, *title, *source;
    void (*write)(FILE *out);
};

// --- messages.md ------------------------------------------------------------------------------

static void write_limits(FILE *out, const struct message_field *field)
{
    switch (field->type) {
    case FIELD_KIND_str:
    case FIELD_KIND_json:
    case FIELD_KIND_bytes:
        if (field->minimum == field->maximum)
            fputs("exactly ", out);
        else if (field->minimum > 0)
            fprintf(out, "%u to ", field->minimum);
        fprintf(out, "%u bytes", field->maximum);
        break;
    case FIELD_KIND_u32: fprintf(out, "%u to %u", field->minimum, field->maximum); break;
    case FIELD_KIND_phone: fputs("3 to 15 digits", out); break;
    case FIELD_KIND_sender: fputs("3 to 15 digits, or 1 to 255 bytes", out); break;
    case FIELD_KIND_id:
    case FIELD_KIND_flag: break;
    }
}

static void write_field(FILE *out, const struct message_field *field)
{
    static const char *const types[] = {
        [FIELD_KIND_str] = "text",
        [FIELD_KIND_phone] = "phone number",
        [FIELD_KIND_sender] = "phone number or name",
        [FIELD_KIND_id] = "UUID",
        [FIELD_KIND_u32] = "whole number",
        [FIELD_KIND_flag] = "yes/no",
        [FIELD_KIND_json] = "any JSON",
        [FIELD_KIND_bytes] = "bytes",
    };
    struct str name, others = str_of(field->names);
    const char *between = "";

    fputs("| ", out);
    while (str_present(others)) {
        str_cut(others, '|', &name, &others);
        fprintf(out, "%s`%.*s`", between, STR_ARG(name));
        between = ", ";
    }
    fprintf(out, " | %s | ", types[field->type]);
    write_limits(out, field);
    fprintf(out, " | %s | %s |\n", field->presence == REQUIRED ? "yes" : "", field->doc);
}

static void write_message(FILE *out, const struct message_type *type)
{
    fprintf(out, "### %.*s\n\n%s\n\n", STR_ARG(type->name), type->doc);
    fprintf(out, "Handled %s; a payload is at most %zu bytes.\n\n",
            type->hot ? "many at a time" : "one at a time", type->limit);
    fputs("| field | type | limits | required | meaning |\n|---|---|---|---|---|\n", out);
    for (size_t i = 0; i < type->field_count; i++)
        write_field(out, &type->fields[i]);
    fputc('\n', out);
}

static void write_messages(FILE *out)
{
    fputs(
        "The messages of the bus. A field is shown with all names that it may have in JSON, forms, "
        "queries and paths; answers use the first one.\n\n",
        out);
    for (int service = 0; service < SERVICE_COUNT; service++) {
        fprintf(out, "## %.*s\n\n", STR_ARG(service_name((enum service_id)service)));
        for (int id = 0; id < MSG_COUNT; id++) {
            const struct message_type *type = message_type((enum message_id)id);
            if (type->service == (enum service_id)service)
                write_message(out, type);
        }
    }
}

// --- errors.md --------------------------------------------------------------------------------

static void write_errors(FILE *out)
{
    fputs("problem+json has the code in `type`; the documented envelopes have the symbolic code. "
          "Answers with an error that may be retried have the header `Retry-After`.\n\n"
          "| code | HTTP | symbolic code | retry | meaning |\n|---|---|---|---|---|\n",
          out);
    for (int i = 0; i < ERR_COUNT; i++) {
        enum err_code code = (enum err_code)i;
        fprintf(out, "| `%.*s` | %d | `%.*s` | %s | %.*s |\n", STR_ARG(err_name(code)),
                err_http_status(code), STR_ARG(err_symbolic(code)),
                err_is_retryable(code) ? "yes" : "", STR_ARG(err_title(code)));
    }
}

// --- metrics.md -------------------------------------------------------------------------------

static void write_metric(FILE *out, const char *name, const char *kind, const char *labels,
                         const char *doc)
{
    fprintf(out, "| `%s` | %s | %s | %s |\n", name, kind, labels, doc);
}

// The source explains @routes and similar words above its table.
static void write_label_values(FILE *out)
{
    fputs("\n## Labels\n\n"
          "A label has one of these values: `@routes` are the ids of [routes](routes.md) "
          "or\n"
          "`none`, `@messages` the names of [messages](messages.md), `@errors` the codes of\n"
          "[errors](errors.md), `@batches` the kinds of batch, `@programs` the processes, `@slot` "
          "the number of a process among those of its program,\n"
          "`@status` HTTP status codes, `@states` the listed SQLSTATEs or `other`, "
          "`@build` values\n"
          "from the build.\n\n"
          "| metric | label | values |\n|---|---|---|\n",
          out);
#define VALUES(id, label, values)                                                                  \
    fprintf(out, "| `%s` | %s | %s |\n", metric_type(METRIC_##id)->name.ptr, #label, values);
#include "telemetry/metric_values.def"
}

static void write_metrics(FILE *out)
{
    fputs("The metrics that metrics-agent serves to Prometheus.\n\n"
          "| name | kind | labels | meaning |\n|---|---|---|---|\n",
          out);
#define COUNTER(id, name, labels, doc)            write_metric(out, name, "counter", labels, doc);
#define GAUGE(id, name, labels, across, doc)      write_metric(out, name, "gauge", labels, doc);
#define HISTOGRAM(id, name, labels, buckets, doc) write_metric(out, name, "histogram", labels, doc);
#include "telemetry/metrics.def"
    write_label_values(out);
}

// --- configuration.md -------------------------------------------------------------------------

static void write_quantity(FILE *out, enum config_kind kind, int64_t number)
{
    static const struct doc_unit {
        int64_t factor;
        const char *suffix;
    } sizes[] = {{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}, {1, ""}},
      durations[] = {
          {86400000, "d"}, {3600000, "h"}, {60000, "m"}, {1000, "s"}, {1, "ms"},
      };
    static const struct doc_unit one = {1, ""};
    const struct doc_unit *unit = kind == CONFIG_KIND_BYTES      ? sizes
                                  : kind == CONFIG_KIND_DURATION ? durations
                                                                 : &one;

    while (unit->factor > 1 && (number == 0 || number % unit->factor))
        unit++;
    fprintf(out, "%lld%s", (long long)(number / unit->factor), unit->suffix);
}

static void write_setting(FILE *out, const struct doc_setting *setting)
{
    static const char *const kinds[] = {[CONFIG_KIND_STR] = "text",
                                        [CONFIG_KIND_INT] = "whole number",
                                        [CONFIG_KIND_BYTES] = "size",
                                        [CONFIG_KIND_DURATION] = "duration",
                                        [CONFIG_KIND_BOOL] = "true or false"};

    fprintf(out, "| `%s` | %s | ", setting->name,
            setting->secret ? "secret" : kinds[setting->kind]);
    if (*setting->fallback)
        fprintf(out, "`%s`", setting->fallback);
    fputs(" | ", out);
    if (setting->maximum > 0) {
        write_quantity(out, setting->kind, setting->minimum);
        fputs(" to ", out);
        write_quantity(out, setting->kind, setting->maximum);
    }
    fprintf(out, " | %s |\n", setting->doc);
}

static void write_configuration(FILE *out)
{
    fputs("A setting comes from the environment, else from the file of `--config`, else it has its "
          "default. For a secret, `<NAME>_FILE` may name a file that contains it. `--check-config` "
          "prints the settings of a program and where each value comes from.\n",
          out);
    for (size_t i = 0; i < COUNT_OF(settings); i++) {
        if (settings[i].name)
            write_setting(out, &settings[i]);
        else
            fprintf(
                out,
                "\n## %s\n\n| name | kind | default | range | meaning |\n|---|---|---|---|---|\n",
                settings[i].doc);
    }
}

static const struct doc_page pages[] = {
    {"messages.md", "Messages", "`common/wire/messages/*.def`", write_messages},
    {"replies.md", "Replies", "`common/wire/messages/*.def` and `docs/openapi/replies/*.def`",
     write_replies},
    {"errors.md", "Errors", "`common/base/errors.def`", write_errors},
    {"metrics.md", "Metrics", "`common/telemetry/metrics.def`", write_metrics},
    {"configuration.md", "Configuration", "each program's `config.def`", write_configuration},
    {"routes.md", "Routes", "`gateway/routes.def`", write_routes},
    {"provisioning.md", "Services and transactions",
     "`common/provisioning/services.def` and `common/provisioning/transactions.def`",
     write_provisioning},
};

static FILE *file_open(const char *directory, const char *name)
{
    AUTO(buf) path = {0};

    buf_printf(&path, "%s/%s", directory, name);
    FILE *out = fopen(buf_c_string(&path), "w");
    if (!out)
        die("cannot write %s: %s", buf_c_string(&path), strerror(errno));
    return out;
}

static void file_close(FILE *out, const char *name)
{
    if (fclose(out) != 0)
        die("cannot write %s: %s", name, strerror(errno));
}

int main(int argc, char **argv)
{
    if (argc != 2)
        die("usage: docs-generator DIRECTORY");
    for (size_t i = 0; i < COUNT_OF(pages); i++) {
        FILE *out = file_open(argv[1], pages[i].file);
        fprintf(out, "# %s\n\nWritten by `./build.sh docs` from %s; edit that.\n\n", pages[i].title,
                pages[i].source);
        pages[i].write(out);
        file_close(out, pages[i].file);
    }
    return 0;
}
