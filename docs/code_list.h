// code_list: how the pages show alternatives.
#pragma once

#include <stdio.h>

// "a|b", cut at the separator, as `a`<between>`b`.
void write_code_list(FILE *out, const char *list, char separator, const char *between);
