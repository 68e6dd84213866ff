// schema: JSON Schemas of what the tables declare; each function writes one value.
#pragma once

#include "reply.h"

#include "base/buf.h"
#include "gateway/route.h"
#include "wire/message.h"

// {"$ref":"#/components/<kind>/<name>"}
void schema_ref(struct buf *out, const char *kind, const char *name);

void schema_of_field(struct buf *out, const struct message_field *field);
void schema_of_object(struct buf *out, const struct reply_object *object);

// Does the field's value come in the path of this route?
bool schema_field_is_in_path(const struct route *route, const struct message_field *field);
// The field that takes all of the body, whatever its members are; NULL: each field has its own.
const struct message_field *schema_whole_body(const struct message_type *message);
// The fields that are not in the path.
void schema_of_fields(struct buf *out, const struct route *route,
                      const struct message_type *message);
// A body that holds them (the name of their schema): bare, or as the data of an envelope.
void schema_of_body(struct buf *out, const struct route *route, const char *fields);
