// code_list: writes alternatives as code, for the pages of the reference.
#pragma once

#include <stdio.h>

// "a|b", cut at the separator, as `a`<between>`b`.
void write_code_list(FILE *out, const char *list, char separator, const char *between);
