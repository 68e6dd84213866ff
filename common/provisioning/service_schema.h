// service_schema: what may be posted as a service of a contact center, by the table services.def.
//
//   {"url": "N/A", "data": {…}, "secret": {…}}
//
// A member that is missing, unknown, of another type or against its form is ERR_BAD_INPUT, and the
// error names its path and the rule. The result has numbers, domains and URLs in their normal
// spelling, and its secrets sealed.
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "provisioning/form.h"
#include "secrets/sealer.h"
#include "wire/json/codec_json.h"

enum service_kind {
#define SERVICE(id, name, doc) SERVICE_KIND_##id,
#define PART(...)
#include "provisioning/services.def"
    SERVICE_KIND_COUNT
};

enum part_kind { PART_VALUE, PART_OBJECT, PART_LIST, PART_SECRET };

struct document_part {
    enum service_kind service;
    const char *path; // "data.channels[].webhook.url"
    enum part_kind kind;
    enum form form;
    const char *choices;
    bool required;
    const char *doc;
};

struct service_document {
    struct str url;     // absent: none
    struct str data;    // JSON object
    struct str secret;  // JSON object, its secrets sealed; absent: none came
    struct str missing; // the error for it when nothing is stored yet; absent: none
};

MUST_USE bool service_kind_named(struct str name, enum service_kind *kind);
struct str service_kind_name(enum service_kind kind);
const char *service_kind_doc(enum service_kind kind);
// All rows, in the table's order.
const struct document_part *service_parts(size_t *count);

// path stands before the paths in errors; empty for a document of its own. An operationId beside
// the three members is allowed and ignored. https_only: of webhooks. What comes back lives in the
// arena.
MUST_USE bool service_document_read(enum service_kind kind, const struct json_view *document,
                                    struct str path, bool https_only, const struct sealer *sealer,
                                    struct arena *arena, struct service_document *read,
                                    struct err *err);
