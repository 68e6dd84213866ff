// reply: what an answer holds: of a worker's reply below its message (wire/messages/*.def), of the gateway and of webhooks in
// replies/*.def.
//
// From a stanza
//
//   OBJECT(contact, "A contact.")
//       MEMBER(contact, "id",     ID,             ALWAYS,    "The contact.")
//       MEMBER(contact, "name",   TEXT,           NULLABLE,  "Its name.")
//       MEMBER(contact, "phones", LIST(phone),    SOMETIMES, "Its numbers.")
//   OBJECT_END(contact)
//   REPLY(CONTACT_READ, contact, CAN(NOT_FOUND))
//
// follow enum object_id and what the OpenAPI document says of the message's answer. CAN names the
// errors of errors.def that the worker itself may give, beside those that every call may meet.
//
// A reply is JSON that SQL and C put together; nothing encodes by these rows. They are held true
// by the end-to-end tests, which refuse an answer that has a member more, less or of another type.
//
//   TEXT   any text                     NUMBER  a whole number
//   WORD   one of the words given       REAL    any number
//   ID     a UUID                       FLAG    true or false
//   TIME   RFC 3339                     ANY     any JSON
//   A(x)   an object                    LIST(x) a list of objects     MAP(x) name → object
//   EACH(TEXT) a list of texts          NAMED(TEXT) name → text
//   OR_FALSE(TIME) a time, or false     OR_TEXT(A(x)) an object, or a text
//
// A member "*" stands for all others, whatever they are called.
#pragma once

#include "wire/message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum object_id {
    OBJECT_nothing, // {}: it worked, and there is no more to say
#define OBJECT(name, doc) OBJECT_##name,
#include "replies.def"
    OBJECT_COUNT
};

enum reply_kind {
    REPLY_TEXT,
    REPLY_WORD,
    REPLY_ID,
    REPLY_TIME,
    REPLY_NUMBER,
    REPLY_REAL,
    REPLY_FLAG,
    REPLY_ANY,
    REPLY_OBJECT,
};

enum reply_shape { REPLY_ONE, REPLY_LIST, REPLY_MAP };

enum reply_presence { REPLY_ALWAYS, REPLY_NULLABLE, REPLY_SOMETIMES };

struct reply_member {
    const char *name;
    enum reply_kind kind;
    enum reply_shape shape;
    bool or_false, or_text;
    enum object_id object; // of REPLY_OBJECT
    const char *words;     // of REPLY_WORD: "in|out"
    enum reply_presence presence;
    const char *doc;
};

struct reply_object {
    const char *name;
    const struct reply_member *members;
    size_t member_count;
    const char *doc;
};

struct reply_type {
    enum object_id object;
    uint32_t errors; // 1 << enum err_code
    bool declared;   // an internal message needs no row
};

const struct reply_object *reply_object(enum object_id id); // NULL for OBJECT_nothing
const struct reply_type *reply_type(enum message_id message);
