#include "gateway/identity/login_guard.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

enum { START_MS = 1000, WINDOW_S = 60 };
static const uint8_t here[ADDRESS_BYTES] = {[10] = 0xff, [11] = 0xff, [12] = 192, [15] = 1};
static const uint8_t there[ADDRESS_BYTES] = {[10] = 0xff, [11] = 0xff, [12] = 192, [15] = 2};

static struct login_guard *guard_new(uint32_t of_address, uint32_t of_prefix)
{
    return login_guard_new((struct login_limits){
        .of_address = of_address, .of_prefix = of_prefix, .window_s = WINDOW_S});
}

static bool admits(struct login_guard *guard, const uint8_t *from, const char *key, int64_t now_ms,
                   struct login_attempt *attempt)
{
    int64_t wait_ms = -1;
    bool admitted =
        login_guard_admits(guard, from, str_of(key), str_of(key), now_ms, attempt, &wait_ms);

    cr_assert(admitted || (wait_ms > 0 && wait_ms <= WINDOW_S * 1000));
    return admitted;
}

// Tries wrong keys of one prefix (or none) at one moment; returns how many were looked up.
static int wrong_keys(struct login_guard *guard, const uint8_t *from, const char *prefix, int count,
                      int64_t now_ms)
{
    static int number;
    int looked_up = 0;

    for (int i = 0; i < count; i++) {
        struct login_attempt attempt;
        char key[64];
        if (prefix)
            snprintf(key, sizeof key, "%.13s-%d", prefix, number++);
        else
            snprintf(key, sizeof key, "%013d-wrong", number++);
        if (!admits(guard, from, key, now_ms, &attempt))
            continue;
        login_guard_failed(guard, &attempt, now_ms);
        looked_up++;
    }
    return looked_up;
}

static bool right_key(struct login_guard *guard, const uint8_t *from, const char *key,
                      int64_t now_ms)
{
    struct login_attempt attempt;

    if (!admits(guard, from, key, now_ms, &attempt))
        return false;
    login_guard_passed(guard, &attempt, now_ms);
    return true;
}

Test(login_guard, stops_an_address_after_too_many_failures)
{
    struct login_guard *guard = guard_new(20, 0);

    cr_assert(eq(int, wrong_keys(guard, here, NULL, 1000, START_MS), 20));

    cr_assert(not(right_key(guard, here, "new", START_MS)));
    cr_assert(right_key(guard, there, "new", START_MS));
    login_guard_free(&guard);
}

Test(login_guard, allows_an_address_again_when_its_failures_are_old)
{
    struct login_guard *guard = guard_new(20, 0);
    wrong_keys(guard, here, NULL, 1000, START_MS);

    cr_assert(eq(int, wrong_keys(guard, here, NULL, 1000, START_MS + 6000), 2));
    cr_assert(eq(int, wrong_keys(guard, here, NULL, 1000, START_MS + 3600000), 20));
    login_guard_free(&guard);
}

Test(login_guard, never_stops_a_key_that_was_right_within_a_day)
{
    struct login_guard *guard = guard_new(20, 20);
    const int64_t day_ms = 24 * 60 * 60 * 1000;
    right_key(guard, here, "1234567890123-right", START_MS);

    wrong_keys(guard, here, "1234567890123", 1000, START_MS + day_ms - 1);
    cr_assert(right_key(guard, here, "1234567890123-right", START_MS + day_ms - 1));
    wrong_keys(guard, here, "1234567890123", 1000, START_MS + 2 * day_ms);
    cr_assert(not(right_key(guard, here, "1234567890123-right", START_MS + 2 * day_ms)));
    login_guard_free(&guard);
}

Test(login_guard, remembers_right_keys_through_a_flood_of_wrong_ones)
{
    struct login_guard *guard = guard_new(20, 20);
    right_key(guard, here, "right", START_MS);

    wrong_keys(guard, here, NULL, 200000, START_MS + 1);

    cr_assert(right_key(guard, here, "right", START_MS + 2));
    login_guard_free(&guard);
}

Test(login_guard, stops_a_prefix_only_for_addresses_that_have_failed)
{
    struct login_guard *guard = guard_new(1000, 20);

    cr_assert(eq(int, wrong_keys(guard, here, "1234567890123", 500, START_MS), 20));

    cr_assert(right_key(guard, there, "1234567890123-right", START_MS));
    cr_assert(eq(int, wrong_keys(guard, here, "other-prefix-", 500, START_MS), 20));
    login_guard_free(&guard);
}

Test(login_guard, counts_neither_a_right_key_nor_a_missing_answer_as_a_failure)
{
    struct login_guard *guard = guard_new(20, 20);
    struct login_attempt attempt;
    char key[32];

    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof key, "%d", i);
        cr_assert(right_key(guard, here, key, START_MS));
        cr_assert(admits(guard, here, "unasked", START_MS, &attempt));
        login_guard_unasked(guard, &attempt, START_MS);
    }
    cr_assert(eq(int, wrong_keys(guard, here, NULL, 100, START_MS), 20));
    login_guard_free(&guard);
}

Test(login_guard, bounds_look_ups_before_the_first_answer)
{
    struct login_guard *guard = guard_new(20, 0);
    int asked = 0;

    for (int i = 0; i < 1000; i++) {
        struct login_attempt attempt;
        char key[32];
        snprintf(key, sizeof key, "%d", i);
        asked += admits(guard, here, key, START_MS, &attempt);
    }

    cr_assert(eq(int, asked, 20));
    login_guard_free(&guard);
}

Test(login_guard, counts_the_addresses_of_an_ipv6_network_as_one)
{
    struct login_guard *guard = guard_new(20, 0);
    uint8_t address[ADDRESS_BYTES] = {0x20, 0x01, 0x0d, 0xb8};
    int looked_up = 0;

    for (int i = 0; i < 200; i++) {
        address[15] = (uint8_t)i;
        looked_up += wrong_keys(guard, address, NULL, 1, START_MS);
    }
    cr_assert(eq(int, looked_up, 20));
    address[7] = 1;
    cr_assert(eq(int, wrong_keys(guard, address, NULL, 100, START_MS), 20));
    login_guard_free(&guard);
}

Test(login_guard, has_no_limit_if_the_setting_is_zero)
{
    struct login_guard *guard = guard_new(0, 0);

    cr_assert(eq(int, wrong_keys(guard, here, "1234567890123", 1000, START_MS), 1000));
    login_guard_free(&guard);
}
