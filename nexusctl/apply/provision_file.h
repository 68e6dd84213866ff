// provision_file: the operator's declarative file, read and checked as a whole before anything is
// done. Everything lives in the arena. `nexusctl apply --help` shows the file.
//
// Short forms (numbers, domains, endpoints) are converted to what HTTP uses: services and sections
// of transactions, both as JSON text that the schemas have accepted.
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "wire/json/codec_json.h"

enum { NOT_GIVEN = -1 };

struct file_key {
    struct str id; // the first characters, if the name alone is ambiguous
    struct str name;
    struct str key;         // absent: one is generated if there is none of this name
    struct str permissions; // JSON list
    struct str expires;     // absent: never
    bool expires_given;
    int64_t capacity, frequency; // NOT_GIVEN: it does not change; for a new key, the default
    int enabled;                 // 0, 1 or NOT_GIVEN
};

struct file_service {
    struct str name, path;
    const struct json_view *document; // {"url", "data", "secret"}
    bool partial;                     // its channels are added to the existing ones
};

struct file_section {
    const char *kind; // "number", "domain", "endpoint", "headers", "keywords", "designer"
    struct str label; // its name in the plan
    const char *transaction;
    struct str section, path;
    const struct json_view *options;
};

struct file_tenant {
    struct str ccid; // in lower case
    struct str name, type, backend_url, username, token;
    int64_t genesys_tenant_id; // NOT_GIVEN
    struct file_key *keys;
    size_t key_count;
    struct file_service *services;
    size_t service_count;
    struct file_section *sections;
    size_t section_count;
};

struct provision_file {
    struct file_tenant *tenants;
    size_t tenant_count;
    struct file_key *cluster_keys;
    size_t cluster_key_count;
};

// The first fault is ERR_BAD_INPUT with the path of the faulty member. https_only: webhooks must
// have https://.
MUST_USE bool provision_file_read(struct str text, bool https_only, struct arena *arena,
                                  struct provision_file *file, struct err *err);
