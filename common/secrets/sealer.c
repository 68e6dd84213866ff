// sealer: see the header.
#include "secrets/sealer.h"

#include "secrets/keyring.h"
#include "secrets/secret.h"

static bool ring_seal(void *context, struct str owner, struct str use, struct str plain,
                      struct buf *sealed, struct err *err)
{
    const struct ring_sealer *with = context;
    AUTO(buf) aad = {0};
    AUTO(buf) use_text = {0};

    buf_str_append(&use_text, use);
    secret_aad(&aad, with->ccid, owner, buf_c_string(&use_text));
    return keyring_seal(with->ring, buf_str(&aad), plain, sealed, err);
}

struct sealer ring_sealer(struct ring_sealer *with)
{
    return (struct sealer){.seal = ring_seal, .context = with};
}
