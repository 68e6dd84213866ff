// id: 128 bits, as PostgreSQL's uuid. Two kinds: time-ordered (UUIDv7, RFC 9562 5.7) where we
// choose the id, and name-based (UUIDv8, RFC 9562 5.8; crypto/crypto.h) where a name from outside
// must always lead to the same id. All zero means "none".
#pragma once

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct id {
    uint8_t bytes[16];
};

enum { ID_TEXT_LENGTH = 36 };

struct id id_new(void); // UUIDv7
// The 36 characters and a NUL.
void id_text(struct id id, char text[ID_TEXT_LENGTH + 1]);
void json_key_id(struct buf *buf, const char *key, struct id id); // none -> null
// Accepts upper and lower case hex with the four hyphens; nothing else.
MUST_USE bool id_parse(struct str text, struct id *id);

static inline bool id_equal(struct id a, struct id b)
{
    return memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0;
}
static inline bool id_is_none(struct id id)
{
    return id_equal(id, (struct id){0});
}
static inline struct str id_bytes(const struct id *id)
{
    return str_make(id->bytes, sizeof id->bytes);
}
