// provisioning.md: the documents that may be provisioned, from the tables of services and transactions.
#include "docs/reference/provisioning.h"

#include "provisioning/service_schema.h"
#include "provisioning/transaction_schema.h"

static void write_form(FILE *out, enum form form, const char *choices)
{
    struct str one, others = str_of(choices);
    const char *between = " ";

    fputs(form_doc(form), out);
    while (form == FORM_CHOICE && str_present(others)) {
        str_cut(others, '|', &one, &others);
        fprintf(out, "%s`%.*s`", between, STR_ARG(one));
        between = ", ";
    }
}

static void write_part(FILE *out, const struct document_part *part)
{
    fprintf(out, "| `%s` | ", part->path);
    if (part->kind == PART_LIST)
        fputs("a list of objects", out);
    else if (part->kind == PART_OBJECT)
        fputs("an object", out);
    else
        write_form(out, part->form, part->choices);
    fprintf(out, " | %s | %s |\n", part->required ? "yes" : "", part->doc);
}

static void write_services(FILE *out)
{
    size_t count;
    const struct document_part *parts = service_parts(&count);

    fputs("## Services\n\nPosted as `{\"url\", \"data\", \"secret\"}`. If a URL is not required, "
          "`N/A` means none. A secret may be a list of two while it is being rotated, the new one "
          "first. Secrets are never shown, and a secret that is left out does not change.\n\n",
          out);
    for (int kind = 0; kind < SERVICE_KIND_COUNT; kind++) {
        fprintf(out,
                "### %.*s\n\n%s\n\n| member | form | required | meaning |\n|---|---|---|---|\n",
                STR_ARG(service_kind_name((enum service_kind)kind)),
                service_kind_doc((enum service_kind)kind));
        for (size_t i = 0; i < count; i++)
            if (parts[i].service == (enum service_kind)kind)
                write_part(out, &parts[i]);
        fputc('\n', out);
    }
}

static void write_sections(FILE *out)
{
    size_t count;
    const struct section_option *options = section_options(&count);

    fputs("## Transactions\n\nSections of options, all of them texts; `*` stands for a name of "
          "your own.\n\n",
          out);
    for (int kind = 0; kind < SECTION_KIND_COUNT; kind++) {
        fprintf(out,
                "### %.*s, section `%.*s`\n\n%s\n\n| option | form | required | meaning "
                "|\n|---|---|---|---|\n",
                STR_ARG(section_kind_transaction((enum section_kind)kind)),
                STR_ARG(section_kind_pattern((enum section_kind)kind)),
                section_kind_doc((enum section_kind)kind));
        for (size_t i = 0; i < count; i++) {
            if (options[i].section != (enum section_kind)kind)
                continue;
            fprintf(out, "| `%s` | ", options[i].name);
            write_form(out, options[i].form, options[i].choices);
            fprintf(out, " | %s | %s |\n", options[i].required ? "yes" : "", options[i].doc);
        }
        fputc('\n', out);
    }
}

void write_provisioning(FILE *out)
{
    write_services(out);
    write_sections(out);
}
