// pages: the web's files, read at start, kept in memory, served from there.
//
//   <root>/admin/index.html       GET /admin/                  asked for anew each time
//   <root>/admin/assets/<file>    GET /admin/assets/<file>     named after its content: kept for good
//   <root>/…/<file>.gz            the same compressed, for browsers that take it
//
// What is not a file of that list at start does not exist, whatever a path says. A root that has
// no page, a file of a type the web does not have, or more than PAGES_LIMIT files or
// PAGES_BYTES_LIMIT bytes are an error at start.
#pragma once

#include "etag.h"

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

// What the request's headers say, absent ones included.
bool accepts_gzip(struct str accept_encoding);

// For the route table.
void pages_serve(struct exchange *exchange);
void pages_add_slash(struct exchange *exchange); // "/admin" → "/admin/"
