// stored_secrets: see the header.
#include "nexusctl/apply/stored_secrets.h"

#include "crypto/crypto.h"
#include "secrets/secret.h"

// The stored text or list for a use: for a channel of the service Async it is in the channel's
// entry, otherwise it is a member.
static const struct json_view *stored_find(const struct json_view *secret, struct str owner,
                                           const char *use)
{
    const struct json_view *channels = json_member(secret, "channels"), *entry;

    for (size_t i = 0; (entry = json_element(channels, i)) != NULL; i++)
        if (str_equal(json_text(json_member(entry, "channelId")), owner))
            return json_member(json_member(entry, use), "secret");
    return json_member(secret, use);
}

static bool is_sealed_here(struct keyring *ring, struct str aad, struct str sealed,
                           struct str plain)
{
    AUTO(buf) opened = {0};
    struct err ignored;

    // A secret that cannot be opened (its key is gone) is sealed again.
    return str_present(sealed) && keyring_open(ring, aad, sealed, &opened, &ignored) &&
           crypto_equal(buf_str(&opened), plain);
}

static bool stored_seal(void *context, struct str owner, struct str use, struct str plain,
                        struct buf *sealed, struct err *err)
{
    const struct stored_secrets *with = context;
    AUTO(buf) aad = {0};
    AUTO(buf) use_text = {0};

    buf_str_append(&use_text, use);
    secret_aad(&aad, with->ccid, owner, buf_c_string(&use_text));
    const struct json_view *stored = stored_find(with->secret, owner, buf_c_string(&use_text));
    bool listed = json_kind(stored) == TREE_ARRAY;
    for (size_t i = 0; listed ? json_element(stored, i) != NULL : i == 0; i++) {
        struct str text = json_text(listed ? json_element(stored, i) : stored);
        if (is_sealed_here(with->ring, buf_str(&aad), text, plain)) {
            buf_str_append(sealed, text);
            return true;
        }
    }
    return keyring_seal(with->ring, buf_str(&aad), plain, sealed, err);
}

struct sealer stored_sealer(struct stored_secrets *with)
{
    return (struct sealer){.seal = stored_seal, .context = with};
}
