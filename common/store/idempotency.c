// idempotency: see the header.
#include "store/idempotency.h"

#include "base/buf.h"
#include "store/statements.h"

void idempotency_claim_bind(struct pg_params *params, const struct idempotency *const *requests,
                            size_t count)
{
    AUTO(buf) rows = {0};
    size_t keyed = 0;

    for (size_t i = 0; i < count; i++) {
        if (!requests[i])
            continue;
        struct row_IDEMPOTENCY_CLAIM row = {
            .tenants = (int32_t)requests[i]->tenant,
            .keys = requests[i]->key,
            .fingerprints = requests[i]->fingerprint,
            .places = (int32_t)i + 1,
            .secrets = requests[i]->secret,
        };
        buf_append(&rows, &row, sizeof row);
        keyed++;
    }
    BIND_ROWS(params, IDEMPOTENCY_CLAIM, (const void *)rows.data, keyed);
}

void idempotency_read_bind(struct pg_params *params, const struct idempotency *request)
{
    BIND(params, IDEMPOTENCY_READ, .tenant = (int32_t)request->tenant, .key = request->key,
         .fingerprint = request->fingerprint);
}
