// login_guard: slows down failed log-ins, without I/O. It is asked before an unknown key is looked
// up. A caller that it stops is told to retry later, and the look-up is not made: a flood of
// look-ups of wrong keys would cost all other callers.
//
// An address (of IPv6: its /64) and the first 13 characters of a key, which are no secret, have a
// bucket of failures each. A look-up takes one from both, and puts it back if the key was right.
//
//   the address has none left                             stopped
//   the prefix has none left, and the address has failed  stopped
//
// So attacks from other addresses lock out no caller: when a prefix is under attack, only addresses
// that have failed themselves are stopped. Wrong keys from the same address lock out no known
// caller either: a key that the gateway has cached needs no look-up, and a key that was valid
// within the last day (as many as fit) is never stopped. Only a key that this gateway has not seen
// for a day must wait while wrong keys come from its address, until an attempt becomes free. The
// same wrong key counts once in five seconds, so a client with an old key does not stop other
// clients of its address.
//
// Memory is fixed; when it is full the least recently used bucket is dropped.
#pragma once

#include "base/str.h"
#include "io/tcp/address.h"

#include <stdbool.h>
#include <stdint.h>

struct login_limits {
    uint32_t of_address, of_prefix; // failures in a window; 0: no limit
    uint32_t of_open; // requests of an address that show no key, in a window; 0: no limit
    uint32_t window_s;
};

// One try, from the question to the answer.
struct login_attempt {
    uint64_t address, prefix, key;
    bool is_made;                     // false: the guard was not asked
    bool is_of_address, is_of_prefix; // which bucket it took from
};

struct login_guard;

struct login_guard *login_guard_new(struct login_limits limits);
void login_guard_free(struct login_guard **guard);
struct login_limits login_guard_limits(const struct login_guard *guard);

// May this key be looked up? id is its key in the cache. False: not before *wait_ms.
bool login_guard_admits(struct login_guard *guard, const uint8_t address[static ADDRESS_BYTES],
                        struct str key, struct str id, int64_t now_ms,
                        struct login_attempt *attempt, int64_t *wait_ms);
// May a caller without a key cause work for others? False: not before *wait_ms.
bool login_guard_lets_in(struct login_guard *guard, const uint8_t address[static ADDRESS_BYTES],
                         int64_t now_ms, int64_t *wait_ms);
// How the look-up ended: the key was right, it was wrong, or the look-up could not be made.
void login_guard_passed(struct login_guard *guard, const struct login_attempt *attempt,
                        int64_t now_ms);
void login_guard_failed(struct login_guard *guard, const struct login_attempt *attempt,
                        int64_t now_ms);
void login_guard_unasked(struct login_guard *guard, const struct login_attempt *attempt,
                         int64_t now_ms);
// A key that was looked up without the guard was right: it is remembered too.
void login_guard_right(struct login_guard *guard, struct str id, int64_t now_ms);
