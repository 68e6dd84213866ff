// code_list: see the header.
#include "docs/reference/code_list.h"

#include "base/str.h"

void write_code_list(FILE *out, const char *list, char separator, const char *between)
{
    struct str one, others = str_of(list);
    const char *before = "";

    while (str_present(others)) {
        str_cut(others, separator, &one, &others);
        fprintf(out, "%s`%.*s`", before, STR_ARG(one));
        before = between;
    }
}
