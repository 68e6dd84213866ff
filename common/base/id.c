// id: see the header.
#include "base/id.h"

#include "base/clock.h"
#include "base/random.h"

struct id id_new(void)
{
    struct id id;
    uint64_t ms = (uint64_t)(clock_unix_us() / 1000);

    random_bytes(id.bytes, sizeof id.bytes);
    for (int i = 5; i >= 0; i--, ms >>= 8)
        id.bytes[i] = (uint8_t)ms;
    id.bytes[6] = (uint8_t)((id.bytes[6] & 0x0F) | 0x70);
    id.bytes[8] = (uint8_t)((id.bytes[8] & 0x3F) | 0x80);
    return id;
}

void json_key_id(struct buf *buf, const char *key, struct id id)
{
    char text[ID_TEXT_LENGTH + 1];
    id_text(id, text);
    json_key_str(buf, key, id_is_none(id) ? STR_ABSENT : str_make(text, ID_TEXT_LENGTH));
}

static bool hyphen_before(int byte)
{
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

void id_text(struct id id, char text[ID_TEXT_LENGTH + 1])
{
    static const char digits[] = "0123456789abcdef";

    for (int i = 0; i < 16; i++) {
        if (hyphen_before(i))
            *text++ = '-';
        *text++ = digits[id.bytes[i] >> 4];
        *text++ = digits[id.bytes[i] & 15];
    }
    *text = '\0';
}

bool id_parse(struct str text, struct id *id)
{
    AUTO(buf) bytes = {0};

    if (text.len != ID_TEXT_LENGTH)
        return false;
    for (int i = 0; i < 16; i++) {
        if (hyphen_before(i)) {
            if (text.ptr[0] != '-')
                return false;
            text = str_skip(text, 1);
        }
        if (!buf_unhex(&bytes, str_make(text.ptr, 2)))
            return false;
        text = str_skip(text, 2);
    }
    memcpy(id->bytes, bytes.data, sizeof id->bytes);
    return true;
}
