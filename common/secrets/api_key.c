// api_key: see the header.
#include "secrets/api_key.h"

#include "base/random.h"

struct id api_key_new(void)
{
    struct id id;

    random_bytes(id.bytes, sizeof id.bytes);
    id.bytes[6] = (uint8_t)((id.bytes[6] & 0x0f) | 0x40);
    id.bytes[8] = (uint8_t)((id.bytes[8] & 0x3f) | 0x80);
    return id;
}

struct str api_key_text(struct id key, struct arena *arena)
{
    char text[ID_TEXT_LENGTH + 1];

    id_text(key, text);
    return arena_copy(arena, str_of(text));
}

void api_key_mac_hex(const unsigned char pepper[SECRET_KEY_BYTES], struct str key, struct buf *out)
{
    unsigned char digest[SHA256_BYTES], mac[SHA256_BYTES];

    crypto_sha256(key, digest);
    key_mac(pepper, digest, mac);
    buf_hex(out, str_make(mac, sizeof mac));
}

bool api_key_permission_check(struct str text, struct err *err)
{
    static const struct str allowed[] = {
#define X(permission) STR_INIT(permission),
        API_KEY_PERMISSIONS(X)
#undef X
    };

    for (size_t i = 0; i < COUNT_OF(allowed); i++)
        if (str_equal(text, allowed[i]))
            return true;
    return err_set(err, ERR_BAD_INPUT,
                   "must be nexus:consumer:chat, nexus:consumer:securemail, nexus:designer:chat, "
                   "nexus:agent:chat, nexus:gateway:sms, nexus:campaign:* or nexus:cluster:*");
}
