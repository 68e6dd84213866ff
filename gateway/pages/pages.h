// pages: the files of the web pages, read at start and served from memory.
//
//   <root>/admin/index.html       GET /admin/                  revalidated each time
//   <root>/admin/assets/<file>    GET /admin/assets/<file>     named by its content: cached forever
//   <root>/…/<file>.gz            the same compressed, for browsers that take it
//
// Files that were not there at the start are not served. A root without a page, a file of an
// unknown type, or more than PAGES_LIMIT files or PAGES_BYTES_LIMIT bytes are an error at start.
#pragma once

#include "gateway/etag.h"

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum { PAGES_LIMIT = 64, PAGES_BYTES_LIMIT = 4 << 20 };

struct exchange;
struct pages;

struct page {
    char *path; // "/admin/", "/admin/assets/index-B7fH2a.js"
    const char *type;
    struct str plain, compressed; // compressed is absent when there is none
    char etag[ETAG_TEXT];         // of plain
    bool immutable;
};

// root empty: no pages, and NULL without an error. frame_ancestors goes into the policy.
struct pages *pages_new(struct str root, struct str frame_ancestors, struct err *err);
void pages_free(struct pages **pages);
const struct page *page_find(const struct pages *pages, struct str path); // NULL: none
struct str pages_policy(const struct pages *pages);                       // Content-Security-Policy

// Does this Accept-Encoding, which may be absent, allow gzip?
bool accepts_gzip(struct str accept_encoding);

// For the route table.
void pages_serve(struct exchange *exchange);
void pages_add_slash(struct exchange *exchange); // "/admin" → "/admin/"
