#include "sms-worker/inbound/mo_identity.h"

#include "base/buf.h"
#include "crypto/crypto.h"
#include "wire/json/codec_json.h"

#include <string.h>

enum { HALF = sizeof((struct id){0}.bytes) / 2 };

struct mo_place mo_place(const struct msg_sms_inbound *mo)
{
    int64_t part, total;

    if (mo->concat_reference.len == 0 ||
        !str_to_whole(mo->concat_total, 2, MO_PARTS_LIMIT, &total) ||
        !str_to_whole(mo->concat_part, 1, total, &part))
        return (struct mo_place){0};
    return (struct mo_place){.part = (int16_t)part, .total = (int16_t)total};
}

// The attachments as one text. A large content came as an upload, which is a new one each time the
// same bytes come; only their number and their digest are the same.
static void attachments_name(struct buf *name, struct str list, struct arena *arena)
{
    const struct json_view *view, *element;
    struct err ignored;

    if (!json_parse(list, arena, &view, &ignored))
        return;
    for (size_t i = 0; (element = json_element(view, i)); i++) {
        const struct json_view *content = json_member(element, "content");
        const struct json_view *bytes = json_member(content, "bytes");

        json_str(name, json_text(json_member(element, "content_type")));
        json_str(name, bytes ? json_compact(bytes, arena) : json_text(content));
        if (bytes)
            json_str(name, json_text(json_member(content, "digest")));
    }
}

struct id mo_id(const struct msg_sms_inbound *mo, struct arena *arena)
{
    AUTO(buf) place = {0};
    AUTO(buf) attachments = {0};

    struct mo_place at = mo_place(mo);

    if (at.total > 0) {
        buf_printf(&place, "%d/%d ", at.part, at.total);
        buf_str_append(&place, mo->concat_reference);
    }
    if (mo->mms_attachment.len > 0)
        attachments_name(&attachments, mo->mms_attachment, arena);

    const struct str name[] = {STR("mo"), mo->shortcode, mo->message_id};
    const struct str said[] = {STR("said"), mo->phone_number, buf_str(&place), mo->message,
                               buf_str(&attachments)};
    struct id id = crypto_id_of(name, COUNT_OF(name));
    struct id rest = crypto_id_of(said, COUNT_OF(said));

    memcpy(id.bytes + HALF, rest.bytes + HALF, HALF);
    return id;
}
