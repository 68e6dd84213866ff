// provision_file: the operator's declarative file, read and checked as a whole before anything is
// done. Everything lives in the arena. `nexusctl apply --help` shows the file.
//
// What people write in a short form (numbers, domains, endpoints) becomes here what it is over HTTP:
// services and sections of transactions, both as JSON text that the schemas of store/ have accepted.
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "wire/codec_json.h"

enum { NOT_GIVEN = -1 };

struct file_key {
    struct str id; // the first characters, where the name alone does not say which
    struct str name;
    struct str key;         // absent: one is made when there is none of this name
    struct str permissions; // JSON list
    struct str expires;     // absent: never
    bool expires_given;
    int64_t capacity, frequency; // NOT_GIVEN: as it is; where the key is new, the default
    int enabled;                 // 0, 1 or NOT_GIVEN
};

struct file_service {
    struct str name, path;
    const struct json_view *document; // {"url", "data", "secret"}
    bool partial;                     // its channels join those there are
};

struct file_section {
    const char *kind; // "number", "domain", "endpoint", "headers", "keywords", "designer"
    struct str label; // what the plan calls it
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

// The first fault is ERR_BAD_INPUT with the path of what is wrong. https_only: of webhooks.
MUST_USE bool provision_file_read(struct str text, bool https_only, struct arena *arena,
                                  struct provision_file *file, struct err *err);
