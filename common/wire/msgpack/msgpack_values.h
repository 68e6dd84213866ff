// msgpack_values: single values, written to a buf and read strictly: a value of another type is
// refused, never converted. Absent text and ids are nil. Text that is read points into the input.
// For the files that put frames and payloads together; nobody else includes it.
#pragma once

#include "base/buf.h"
#include "base/id.h"
#include "base/str.h"

#include <msgpack.h>

void values_packer(msgpack_packer *packer, struct buf *out);
void values_pack_text(msgpack_packer *packer, struct str text);
void values_pack_bytes(msgpack_packer *packer, struct str bytes);
void values_pack_id(msgpack_packer *packer, struct id id);

MUST_USE bool values_read_text(const msgpack_object *value, struct str *text); // nil is refused
MUST_USE bool values_read_bytes(const msgpack_object *value, struct str *bytes);
MUST_USE bool values_read_id(const msgpack_object *value, struct id *id); // nil is refused
MUST_USE bool values_read_u32(const msgpack_object *value, uint32_t *number);
MUST_USE bool values_read_flag(const msgpack_object *value, bool *flag);
