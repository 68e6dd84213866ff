// fuzz: a target is one function that gets bytes. It checks its conditions with ASSERT; the sanitizers
// find other faults.
//
//   FUZZ(bytes)
//   {
//       …
//   }
#pragma once

#include "base/panic.h"
#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ(bytes)                                                                                \
    static void fuzz_one(struct str bytes);                                                        \
    int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)                                   \
    {                                                                                              \
        fuzz_one(str_make(size ? (const void *)data : "", size));                                  \
        return 0;                                                                                  \
    }                                                                                              \
    static void fuzz_one(struct str bytes)

// Cuts a number below limit off the front, to choose a case; 0 when nothing is left.
static inline unsigned fuzz_choice(struct str *bytes, unsigned limit)
{
    if (bytes->len == 0)
        return 0;
    unsigned choice = (unsigned char)bytes->ptr[0] % limit;
    *bytes = str_skip(*bytes, 1);
    return choice;
}
