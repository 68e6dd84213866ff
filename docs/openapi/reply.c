// reply: the tables that follow from replies.def.
#include "reply.h"

// What the words of these rows mean.
#define TEXT          .kind = REPLY_TEXT
#define WORD(list)    .kind = REPLY_WORD, .words = list
#define ID            .kind = REPLY_ID
#define TIME          .kind = REPLY_TIME
#define NUMBER        .kind = REPLY_NUMBER
#define REAL          .kind = REPLY_REAL
#define FLAG          .kind = REPLY_FLAG
#define ANY           .kind = REPLY_ANY
#define A(x)          .kind = REPLY_OBJECT, .object = OBJECT_##x
#define LIST(x)       A(x), .shape = REPLY_LIST
#define MAP(x)        A(x), .shape = REPLY_MAP
#define EACH(kind)    kind, .shape = REPLY_LIST
#define NAMED(kind)   kind, .shape = REPLY_MAP
#define OR_FALSE(one) one, .or_false = true
#define OR_TEXT(one)  one, .or_text = true
#define ALWAYS        REPLY_ALWAYS
#define NULLABLE      REPLY_NULLABLE
#define SOMETIMES     REPLY_SOMETIMES
#define CAN(error)    | 1U << ERR_##error
#define NOTHING_ELSE

#define MESSAGE_STATES                                                                             \
    "received|accepted|held|sending|sent|delivered|read|failed|expired|opted_out|suppressed|"      \
    "cancelled|uncertain"

#define OBJECT(name, doc) static const struct reply_member name##_members[] = {
#define MEMBER(owner, text, type, how_often, sentence)                                             \
    {.name = text, type, .presence = how_often, .doc = sentence},
#define OBJECT_END(name)                                                                           \
    }                                                                                              \
    ;
#include "replies.def"

static const struct reply_object objects[OBJECT_COUNT] = {
#define OBJECT(id, sentence)                                                                       \
    [OBJECT_##id] = {.name = #id,                                                                  \
                     .members = id##_members,                                                      \
                     .member_count = COUNT_OF(id##_members),                                       \
                     .doc = sentence},
#include "replies.def"
};

static const struct reply_type replies[MSG_COUNT] = {
#define REPLY(message, of, can)                                                                    \
    [MSG_##message] = {.object = OBJECT_##of, .errors = 0 can, .declared = true},
#include "wire/messages.def"
};

const struct reply_object *reply_object(enum object_id id)
{
    return id == OBJECT_nothing || id >= OBJECT_COUNT ? NULL : &objects[id];
}

const struct reply_type *reply_type(enum message_id message)
{
    return &replies[message];
}
