// aggregator_api: requests of the phone and the tests to the aggregator.
#include "base/clock.h"
#include "base/id.h"
#include "simulator/aggregator/aggregator.h"
#include "simulator/phone/events.h"
#include "simulator/simulator.h"
#include "wire/json/codec_json.h"

enum { TEXT_LIMIT = 4096, PARTS_LIMIT = 32, MESSAGE_ID_LIMIT = 56 };

struct mo {
    struct str from, to, text, message_id;
    struct str media; // JSON: a list of {content_type, content}; absent: none
    struct str target, ccid, key;
    int64_t parts; // 1: a message of one piece
};

static bool mo_read(struct http_request *request, struct mo *mo, struct err *err)
{
    struct arena *arena = http_arena(request);
    const struct json_view *body, *media;

    if (!json_parse(http_body(request), arena, &body, err))
        return false;
    media = json_member(body, "media");
    *mo = (struct mo){.from = json_text(json_member(body, "from")),
                      .to = json_text(json_member(body, "to")),
                      .text = json_text(json_member(body, "text")),
                      .message_id = json_text(json_member(body, "messageId")),
                      .media = media ? json_compact(media, arena) : STR_ABSENT,
                      .target = json_text(json_member(body, "target")),
                      .ccid = json_text(json_member(body, "ccid")),
                      .key = json_text(json_member(body, "key")),
                      .parts = 1};
    if (mo->from.len == 0 || mo->from.len > 64 || mo->to.len == 0 || mo->to.len > 64)
        return err_set(err, ERR_BAD_INPUT, "from and to must have 1 to 64 characters");
    if (mo->text.len > TEXT_LIMIT * PARTS_LIMIT || mo->message_id.len > MESSAGE_ID_LIMIT)
        return err_set(err, ERR_BAD_INPUT, "text or messageId is too long");
    if (json_member(body, "parts") && (!json_number(json_member(body, "parts"), &mo->parts) ||
                                       mo->parts < 1 || mo->parts > PARTS_LIMIT))
        return err_set(err, ERR_BAD_INPUT, "parts is a number from 1 to %d", PARTS_LIMIT);
    if (mo->message_id.len == 0) {
        char id[ID_TEXT_LENGTH + 1];
        id_text(id_new(), id);
        mo->message_id = arena_copy(arena, str_of(id));
    }
    return true;
}

// The part's share of the text, never cut inside a character.
static struct str part_of(struct str text, int64_t part, int64_t parts)
{
    size_t from = text.len * (size_t)(part - 1) / (size_t)parts;
    size_t to = text.len * (size_t)part / (size_t)parts;

    while (from < text.len && ((unsigned char)text.ptr[from] & 0xc0) == 0x80)
        from++;
    while (to < text.len && ((unsigned char)text.ptr[to] & 0xc0) == 0x80)
        to++;
    return str_make(text.ptr + from, to - from);
}

static void mo_write(const struct mo *mo, int64_t part, struct buf *out)
{
    AUTO(buf) id = {0};

    buf_str_append(&id, mo->message_id);
    if (mo->parts > 1)
        buf_printf(&id, "-%lld", (long long)part);
    json_open(out, '{');
    json_key_str(out, "type", STR("MO"));
    json_key_str(out, "message_id", buf_str(&id));
    json_key_str(out, "phone_number", mo->from);
    json_key_str(out, "shortcode", mo->to);
    json_key_str(out, "message",
                 part_of(str_present(mo->text) ? mo->text : STR(""), part, mo->parts));
    if (str_present(mo->media) && part == 1)
        json_key_raw(out, "mms_attachment", mo->media);
    if (mo->parts > 1) {
        json_key_str(out, "concat_reference", mo->message_id);
        json_key_int(out, "concat_total", mo->parts);
        json_key_int(out, "concat_part", part);
    }
    json_close(out, '}');
}

static bool mo_post(struct simulator *simulator, struct channel *channel, const struct mo *mo,
                    uint64_t sequence, int64_t part)
{
    AUTO(buf) body = {0};
    const struct posting posting = {.kind = POSTING_MO,
                                    .channel = channel,
                                    .target = mo->target,
                                    .ccid = mo->ccid,
                                    .key = mo->key,
                                    .sequence = sequence,
                                    .state_then = "accepted"};
    struct posting with_body = posting;
    bool twice = simulator_hits(simulator, channel_knobs(simulator->channels, channel)->duplicate);

    mo_write(mo, part, &body);
    with_body.body = buf_str(&body);
    return aggregator_post(simulator->aggregator, &with_body) &&
           (!twice || aggregator_post(simulator->aggregator, &with_body));
}

// POST /sim/mo {from,to,text,messageId?,media?,parts?,target?,ccid?,key?}. The parts of a long
// message are sent in reverse order, because joining them must not depend on their order.
void on_mo(struct simulator *simulator, struct http_request *request, struct str rest)
{
    AUTO(buf) json = {0};
    struct mo mo;
    struct err err;

    (void)rest;
    if (!mo_read(request, &mo, &err)) {
        simulator_answer_error(request, &err);
        return;
    }
    struct channel *channel = channels_get(simulator->channels, mo.to);
    const struct remembered *message =
        history_add(simulator->history, &(struct remembered){.time_us = clock_unix_us(),
                                                             .direction = FROM_PHONE,
                                                             .message_id = mo.message_id,
                                                             .channel = str_of(channel->name),
                                                             .from = mo.from,
                                                             .to = mo.to,
                                                             .text = mo.text,
                                                             .state = "sending"});
    page_events_publish(simulator->events, message);
    for (int64_t part = mo.parts; part >= 1; part--) {
        if (!mo_post(simulator, channel, &mo, message->sequence, part)) {
            err_set(&err, ERR_BUSY, "too many messages are on their way to Nexus");
            simulator_answer_error(request, &err);
            return;
        }
    }
    json_open(&json, '{');
    json_key_str(&json, "messageId", mo.message_id);
    json_key_int(&json, "sequence", (int64_t)message->sequence);
    json_close(&json, '}');
    simulator_answer(request, 202, buf_str(&json));
}

// POST /sim/receipt {channel, messageId, state, code?}: one receipt, whatever the knobs say.
void on_receipt(struct simulator *simulator, struct http_request *request, struct str rest)
{
    AUTO(buf) json = {0};
    const struct json_view *body;
    struct err err;
    int64_t state = 2, code = 0;

    (void)rest;
    if (!json_parse(http_body(request), http_arena(request), &body, &err)) {
        simulator_answer_error(request, &err);
        return;
    }
    struct str number = json_text(json_member(body, "channel"));
    struct str message_id = json_text(json_member(body, "messageId"));
    if (number.len == 0 || message_id.len == 0 ||
        !json_number(json_member(body, "state"), &state) ||
        (json_member(body, "code") && !json_number(json_member(body, "code"), &code))) {
        err_set(&err, ERR_BAD_INPUT, "channel, messageId and state are needed");
        simulator_answer_error(request, &err);
        return;
    }
    json_open(&json, '{');
    json_key_str(&json, "type", STR("receipt"));
    json_key_str(&json, "message_id", message_id);
    json_key_int(&json, "message_state", state);
    json_key_int(&json, "result_code", code);
    json_close(&json, '}');
    const struct posting posting = {.kind = POSTING_RECEIPT,
                                    .channel = channels_get(simulator->channels, number),
                                    .body = buf_str(&json),
                                    .target = json_text(json_member(body, "target")),
                                    .ccid = json_text(json_member(body, "ccid")),
                                    .key = json_text(json_member(body, "key"))};
    if (!aggregator_post(simulator->aggregator, &posting)) {
        err_set(&err, ERR_BUSY, "too many receipts are on their way to Nexus");
        simulator_answer_error(request, &err);
        return;
    }
    simulator_answer(request, 202, STR("{\"status\":\"ok\"}"));
}
