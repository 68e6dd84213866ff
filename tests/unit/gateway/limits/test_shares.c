// How much one contact center may use of a limited resource of the gateway.
#include "gateway/limits/shares.h"
#include "telemetry/metrics.h"
#include "wire/msgpack/envelope.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

Test(shares, are_a_percentage_of_what_others_left_and_at_least_one)
{
    cr_assert(eq(sz, share_of(32, 0, 75), 24));
    cr_assert(eq(sz, share_of(32, 24, 75), 6));
    cr_assert(eq(sz, share_of(32, 30, 75), 1));
    cr_assert(eq(sz, share_of(32, 31, 75), 1));
    cr_assert(eq(sz, share_of(32, 40, 75), 1));
    cr_assert(eq(sz, share_of(6, 0, 75), 4));
    cr_assert(eq(sz, share_of(6, 4, 75), 1));
    cr_assert(eq(sz, share_of(6, 5, 75), 1));
    cr_assert(eq(sz, share_of(64, 10, 100), 54));
}

enum { WHOLE = 20, PERCENT = 75, TENANTS = 4 };

// Each contact center takes its whole share: the first gets most, and each later one still gets some.
Test(shares, leave_some_for_each_further_contact_center)
{
    const size_t may_have[TENANTS] = {15, 3, 1, 1};
    struct metrics *metrics = metrics_new();
    struct shares *shares = shares_new(metrics);
    struct share *taken[TENANTS][WHOLE] = {0};
    struct err err;

    for (uint32_t i = 0; i < TENANTS; i++) {
        struct principal principal = {.tenant = i + 1};
        size_t had = 0;
        while (had < WHOLE && (taken[i][had] = shares_take_part(shares, SHARE_TENANT_DOWNLOADS,
                                                                &principal, WHOLE, PERCENT, &err)))
            had++;
        cr_assert(eq(sz, had, may_have[i]));
        cr_assert(eq(int, err.code, ERR_RATE_LIMITED));
    }
    for (size_t i = 0; i < TENANTS; i++)
        for (size_t j = 0; j < WHOLE; j++)
            shares_give_back(shares, &taken[i][j]);

    struct principal alone = {.tenant = TENANTS};
    size_t had = 0;
    while ((taken[0][had] =
                shares_take_part(shares, SHARE_TENANT_DOWNLOADS, &alone, WHOLE, PERCENT, &err)))
        had++;
    cr_assert(eq(sz, had, 15));
    while (had-- > 0)
        shares_give_back(shares, &taken[0][had]);
    shares_free(&shares);
    metrics_free(&metrics);
}
