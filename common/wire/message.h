// message: the messages between processes, declared once in wire/messages/*.def.
//
// From a stanza
//
//   MESSAGE(SMS_INBOUND, sms_inbound, "sms.inbound", SMS, HOT, 65536, "One text message (MO).")
//       FIELD(sms_inbound, str, message_id, "message_id|messageId", 1, 64, REQUIRED, "…")
//   END(SMS_INBOUND, sms_inbound)
//
// follow enum message_id, struct msg_sms_inbound, the field table that both codecs and the docs
// use, and the worker's handler (service/tasks/handlers.h). SMS is the service that takes it. HOT
// messages are handled many at a time, COLD ones one at a time. The number is the largest encoded
// payload.
//
// A FIELD's type, its names in JSON, forms, queries and paths (the first is the one we print, the
// others are accepted too), smallest and largest value (str, phone, json: length in bytes; u32:
// value), presence. Where people's texts are read (codec_json.h, BODY_LENIENT) an OPTIONAL field
// that cannot be read is left out. An unreadable REQUIRED field makes the message invalid, and so
// does a KEPT one: it may be missing, but if it is there it must not be dropped.
//
//   str    well-formed UTF-8 without NUL                           struct str (absent: ptr is NULL)
//   phone  a phone number; stored in its one spelling, see phone.h  struct str
//   sender a phone number, read in the country of the message's phone field, or a name  struct str
//   id     a UUID                                                  struct id (absent: none)
//   u32    whole number, also as a decimal string                  uint32_t (absent: 0)
//   flag   true or false, also as a string                         bool (absent: false)
//   json   any JSON value; travels as its compact text             struct str
//   bytes  any bytes; only from process to process                 struct str
//
// A json field named "*" is the whole body; the other fields of its message then come only from
// path and query.
//
// On the bus a payload is a msgpack array of the fields in declared order, nil for absent. Fields
// are only ever appended: a shorter array means the rest is absent, elements past the last known
// field are skipped, so builds N and N+1 understand each other.
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "base/str.h"
#include "wire/presence.h"

#include <stdbool.h>
#include <stdint.h>

#define SERVICES(X)                                                                                \
    X(CHAT, "chat-worker")                                                                         \
    X(SMS, "sms-worker")                                                                           \
    X(PROVISIONING, "provisioning-worker")

enum service_id {
#define X(id, name) SERVICE_##id,
    SERVICES(X)
#undef X
        SERVICE_COUNT,
    SERVICE_NONE = SERVICE_COUNT, // programs that take no requests: gateway, metrics-agent
};

struct str service_name(enum service_id service);
MUST_USE bool service_parse(struct str name, enum service_id *service);

enum { FOREIGN_ID_MAX = 255 }; // bytes of a name that a sender or provider gave a message

enum message_id {
#define MESSAGE(id, name, text, service, kind, limit, doc) MSG_##id,
#include "wire/messages.def"
    MSG_COUNT
};

#define FIELD_TYPE_str    struct str
#define FIELD_TYPE_phone  struct str
#define FIELD_TYPE_sender struct str
#define FIELD_TYPE_id     struct id
#define FIELD_TYPE_u32    uint32_t
#define FIELD_TYPE_flag   bool
#define FIELD_TYPE_json   struct str
#define FIELD_TYPE_bytes  struct str

#define MESSAGE(id, name, text, service, kind, limit, doc)                 struct msg_##name {
#define FIELD(message, type, name, names, minimum, maximum, presence, doc) FIELD_TYPE_##type name;
#define END(id, name)                                                                              \
    }                                                                                              \
    ;
#include "wire/messages.def"

enum field_type {
    FIELD_KIND_str,
    FIELD_KIND_phone,
    FIELD_KIND_sender,
    FIELD_KIND_id,
    FIELD_KIND_u32,
    FIELD_KIND_flag,
    FIELD_KIND_json,
    FIELD_KIND_bytes,
};

struct message_field {
    const char *name;  // the C name
    const char *names; // "message_id|messageId"; the first is the one in errors and docs
    enum field_type type;
    size_t offset;
    uint32_t minimum, maximum;
    enum presence presence;
    const char *doc;
};

struct message_type {
    enum message_id id;
    struct str name; // "sms.inbound"
    enum service_id service;
    bool hot;
    size_t limit; // bytes of an encoded payload
    size_t size;  // sizeof(struct msg_…)
    const struct message_field *fields;
    size_t field_count;
    const char *doc;
};

const struct message_type *message_type(enum message_id id); // NULL when id is not a message
enum message_id message_named(struct str name);              // MSG_COUNT when there is none

// Are all required fields present, and each within its declaration? Phone numbers must be in their
// normal spelling.
MUST_USE bool message_check(const struct message_type *type, const void *message, struct err *err);

bool message_field_is_body(const struct message_field *field); // named "*"

// What codecs need to know of one field: its first name ("body" for the whole body); whether a
// value in a struct is "absent"; whether a present value keeps the rules; and the error
// "<label>: <rule>" (returns false).
struct str message_field_label(const struct message_field *field);
bool message_field_is_absent(const struct message_field *field, const void *value);
MUST_USE bool message_field_check(const struct message_field *field, const void *value,
                                  struct err *err);
bool message_field_fault(const struct message_field *field, const char *rule, struct err *err);

// Encodes and decodes a payload. Decoding copies nothing: strings point into payload, which must
// outlive the message. Decoding checks the bounds (wire/msgpack/msgpack_bounds.h), types, presence
// and limits of every field; its errors are ERR_BAD_INPUT and name the field.
void message_encode(const struct message_type *type, const void *message, struct buf *out);
MUST_USE bool message_decode(const struct message_type *type, struct str payload,
                             struct arena *arena, void **message, struct err *err);
