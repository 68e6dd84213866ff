// idempotency_key: see the header.
#include "gateway/idempotency_key.h"

#include "crypto/crypto.h"

bool idempotency_key_check(struct str key, struct err *err)
{
    bool is_printable = true;

    for (size_t i = 0; i < key.len; i++)
        is_printable = is_printable && key.ptr[i] >= ' ' && key.ptr[i] <= '~';
    if (key.len == 0 || key.len > IDEMPOTENCY_KEY_LIMIT || !is_printable)
        return err_set(err, ERR_BAD_INPUT, "Idempotency-Key: 1 to %d printable bytes",
                       IDEMPOTENCY_KEY_LIMIT);
    return true;
}

struct id idempotency_fingerprint(struct str method, struct str path, struct str query,
                                  struct str body)
{
    const struct str parts[] = {method, path, str_present(query) ? query : STR(""), body};

    return crypto_id_of(parts, COUNT_OF(parts));
}
