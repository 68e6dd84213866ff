// phone_page: the files of web/phone, compiled in (simulator/CMakeLists.txt makes the table).
#pragma once

#include "base/str.h"

#include <stddef.h>

struct page_file {
    const char *name; // "phone.js"
    const unsigned char *bytes;
    size_t size;
};

extern const struct page_file page_files[];
extern const size_t page_file_count;
