// api_key: what an API key is: 122 random bits, written as a UUID. The database holds a MAC of it
// (secrets/secret.h) and, for people, its first characters, which are also its short id.
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "base/str.h"
#include "secrets/secret.h"

enum {
    API_KEY_PREFIX_LENGTH = 13, // "9b7682b7-cbce"
    API_KEY_CAPACITY = 120,     // requests…
    API_KEY_FREQUENCY_S = 60,   // …in so many seconds
};

// clang-format off
// The permissions that a key may carry.
#define API_KEY_PERMISSIONS(X) \
    X("nexus:consumer:chat") \
    X("nexus:consumer:securemail") \
    X("nexus:designer:chat") \
    X("nexus:agent:chat") \
    X("nexus:gateway:sms") \
    X("nexus:campaign:*") \
    X("nexus:cluster:*")
// clang-format on

struct id api_key_new(void); // a UUID, version 4
struct str api_key_text(struct id key, struct arena *arena);
// The MAC under which a key is stored, in hex.
void api_key_mac_hex(const unsigned char pepper[SECRET_KEY_BYTES], struct str key, struct buf *out);
// A rule of wire/json/shape.h.
MUST_USE bool api_key_permission_check(struct str text, struct err *err);
