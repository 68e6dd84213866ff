// numbers: those that C shares with SQL, an enum for each set of numbers.def.
#pragma once

// clang-format off
#define NUMBERS(set)                 enum set {
#define NUMBER(prefix, name, number) prefix##_##name = number,
#define END                          };
#include "store/numbers.def"
#undef NUMBERS
#undef NUMBER
#undef END
// clang-format on
