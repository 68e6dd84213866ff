// mo_identity: recognises repetitions of a text from a phone (docs/decisions/0029).
#pragma once

#include "base/arena.h"
#include "base/id.h"
#include "wire/message.h"

#include <stdint.h>

enum { MO_PARTS_LIMIT = 32 };

// Which part of a long text it is; of a whole one both are 0. "1 of 1", "3 of 2", "1 of 54" and the like are
// whole texts: 3GPP TS 23.040 (9.2.3.24.1) has such a header ignored.
struct mo_place {
    int16_t part, total;
};
struct mo_place mo_place(const struct msg_sms_inbound *mo);

// The id of its row. The first half follows from number and message_id, the second from everything else
// that makes it another text: sender, place among parts, text, attachments. So the primary key decides what
// is a repetition, and all texts that came under one message_id stand side by side in its index
// (message_find() in db/functions/operators/timeline.sql).
struct id mo_id(const struct msg_sms_inbound *mo, struct arena *arena);
