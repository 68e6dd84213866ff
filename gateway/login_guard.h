// login_guard: failed log-ins slow down, without I/O. It is asked before a key that is not
// remembered is looked up; whom it stops is told to come back later, and the look-up, which is what
// a flood of wrong keys would cost the others, is not made.
//
// An address (of IPv6: its /64) and the first 13 characters of a key, which are no secret, have a
// bucket of failures each. A look-up takes one from both, and puts it back if the key was right.
//
//   the address has none left                             stopped
//   the prefix has none left, and the address has failed  stopped
//
// So nobody is locked out by what others do elsewhere: a prefix under attack stops only addresses
// that have failed themselves. Nor by what neighbours do behind the same address: a key that the
// gateway remembers is not asked about, and one that was right within the last day (as many as fit)
// is never stopped. Only a key that this gateway has not seen for a day must wait while somebody at
// its address tries wrong ones, and then goes with the failures that come back. The same wrong key
// again and again counts once in five seconds: a client with an old key does not stop the others of
// its house.
//
// Memory is fixed; where it is too small the bucket not asked for longest is forgotten.
#pragma once

#include "base/str.h"
#include "io/address.h"

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

// May this key be looked up? id is what it is remembered by. False: not before *wait_ms.
bool login_guard_admits(struct login_guard *guard, const uint8_t address[static ADDRESS_BYTES],
                        struct str key, struct str id, int64_t now_ms,
                        struct login_attempt *attempt, int64_t *wait_ms);
// May somebody who shows no key make work for others? False: not before *wait_ms.
bool login_guard_lets_in(struct login_guard *guard, const uint8_t address[static ADDRESS_BYTES],
                         int64_t now_ms, int64_t *wait_ms);
// How the look-up ended: the key was right, it was wrong, nobody could be asked.
void login_guard_passed(struct login_guard *guard, const struct login_attempt *attempt,
                        int64_t now_ms);
void login_guard_failed(struct login_guard *guard, const struct login_attempt *attempt,
                        int64_t now_ms);
void login_guard_unasked(struct login_guard *guard, const struct login_attempt *attempt,
                         int64_t now_ms);
// A key was right that was asked about without the guard: it is remembered, too.
void login_guard_right(struct login_guard *guard, struct str id, int64_t now_ms);
