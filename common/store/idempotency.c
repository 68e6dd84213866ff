// idempotency: see the header.
#include "store/idempotency.h"

void idempotency_claim_bind(struct pg_params *params, const struct idempotency *const *requests,
                            size_t count)
{
    size_t keyed = 0;

    for (size_t i = 0; i < count; i++)
        keyed += requests[i] != NULL;
    pg_array(params, PG_ELEMENT_INT4, keyed);
    for (size_t i = 0; i < count; i++)
        if (requests[i])
            pg_add_int4(params, (int32_t)requests[i]->tenant);
    pg_array(params, PG_ELEMENT_TEXT, keyed);
    for (size_t i = 0; i < count; i++)
        if (requests[i])
            pg_add_text(params, requests[i]->key);
    pg_array(params, PG_ELEMENT_UUID, keyed);
    for (size_t i = 0; i < count; i++)
        if (requests[i])
            pg_add_id(params, requests[i]->fingerprint);
    pg_array(params, PG_ELEMENT_INT4, keyed);
    for (size_t i = 0; i < count; i++)
        if (requests[i])
            pg_add_int4(params, (int32_t)i + 1);
    pg_array(params, PG_ELEMENT_TEXT, keyed);
    for (size_t i = 0; i < count; i++)
        if (requests[i])
            pg_add_text(params, requests[i]->secret);
}

void idempotency_read_bind(struct pg_params *params, const struct idempotency *request)
{
    pg_int4(params, (int32_t)request->tenant);
    pg_text(params, request->key);
    pg_id(params, request->fingerprint);
}
