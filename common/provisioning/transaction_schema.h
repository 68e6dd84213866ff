// transaction_schema: what the sections of a contact center's transactions may say, by the table
// transactions.def. A section is a flat object of texts.
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "provisioning/form.h"
#include "secrets/sealer.h"
#include "wire/json/codec_json.h"

enum section_kind {
#define SECTION(id, transaction, pattern, doc) SECTION_KIND_##id,
#define OPTION(...)
#include "provisioning/transactions.def"
    SECTION_KIND_COUNT
};

struct section_option {
    enum section_kind section;
    const char *name; // "header:*": any of that prefix
    enum form form;
    const char *choices;
    bool required;
    const char *doc;
};

struct section_document {
    struct str options; // JSON object
    struct str secret;  // JSON object: options that are secrets, sealed
};

bool transaction_is_known(struct str transaction);
// The kind of a section by the names of transaction and section.
MUST_USE bool section_kind_named(struct str transaction, struct str section,
                                 enum section_kind *kind);
struct str section_kind_transaction(enum section_kind kind);
struct str section_kind_pattern(enum section_kind kind);
const char *section_kind_doc(enum section_kind kind);
const struct section_option *section_options(size_t *count); // all rows, in the table's order

// path stands before the paths in errors; empty for a section of its own. Errors and what comes
// back are as of service_schema.h.
MUST_USE bool section_document_read(struct str transaction, struct str section,
                                    const struct json_view *options, struct str path,
                                    const struct sealer *sealer, struct arena *arena,
                                    struct section_document *read, struct err *err);
