// provision_file: the operator's declarative file, read and checked as a whole before anything is
// done. Everything lives in the arena. Names are canonical: ccids in lower case, numbers as
// wire/phone.h spells them.
//
//   {"tenants": [{"ccid", "name",
//                 "keys": [{"name", "key", "permissions", "capacity", "frequency", "expires"}],
//                 "channels": [{"address", "kind": "sms"|"email", "name", "provider": "Async",
//                               "endpoint", "cxcOnly", "validity": "24h",
//                               "uncertain": "resend"|"hold",
//                               "webhook": {"url", "secret", "headers": {…}},
//                               "api": {"secret"}}]}],
//    "clusterKeys": [{…}]}
//
// A secret is a text, or a list of two while it is being rotated: the new one first.
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum { SECRETS_LIMIT = 2 };

struct secrets {
    struct str texts[SECRETS_LIMIT];
    size_t count;
};

struct file_key {
    struct str name;
    struct str key;         // absent: one is made when there is none of this name
    struct str permissions; // JSON list
    struct str expires;     // absent: never
    int64_t capacity, frequency;
};

struct file_webhook {
    struct str url;
    struct str headers; // JSON object
    struct secrets secrets;
};

enum channel_kind { CHANNEL_SMS = 1, CHANNEL_EMAIL = 2 };

struct file_channel {
    struct str address, name, provider, endpoint;
    enum channel_kind kind;
    bool campaign_only;
    int64_t validity_ms;
    int uncertain_policy; // 1 resend, 2 hold
    struct file_webhook webhook;
    struct secrets api;
};

struct file_tenant {
    struct str ccid, name;
    struct file_key *keys;
    size_t key_count;
    struct file_channel *channels;
    size_t channel_count;
};

struct provision_file {
    struct file_tenant *tenants;
    size_t tenant_count;
    struct file_key *cluster_keys;
    size_t cluster_key_count;
};

// The first fault is ERR_BAD_INPUT with the path of what is wrong.
MUST_USE bool provision_file_read(struct str text, struct arena *arena, struct provision_file *file,
                                  struct err *err);
