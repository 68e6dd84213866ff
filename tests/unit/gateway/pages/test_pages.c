#include "gateway/pages/pages.h"

#include "base/buf.h"
#include "rows.h"

#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct gzip_row {
    const char *header;
    bool accepts;
} gzip_rows[] = {
    {"gzip", true},
    {"gzip, deflate, br", true},
    {"br;q=1.0, GZIP;q=0.5", true},
    {"deflate, gzip;q=0", false},
    {"gzip;q=0.0", true}, // no client sends this, and all browsers accept gzip
    {"br", false},
    {"xgzip", false},
    {"", false},
};

ROWS_TEST(pages, sends_compressed_copies_to_browsers_that_accept_gzip, gzip_rows)
{
    cr_assert(eq(int, accepts_gzip(str_of(row->header)), row->accepts));
}

static const struct etag_row {
    const char *if_none_match;
    bool matches;
} etag_rows[] = {
    {"\"abc\"", true}, {"W/\"abc\"", true}, {"\"x\", \"abc\"", true},
    {"*", true},       {"\"abcd\"", false}, {"abc", false},
    {"", false},
};

ROWS_TEST(pages, recognizes_the_version_that_a_browser_has, etag_rows)
{
    cr_assert(eq(int, etag_matches(str_of(row->if_none_match), STR("\"abc\"")), row->matches));
}

// --- a folder like the built one ---

static char root[64];

static void file_put(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", root, name);
    FILE *file = fopen(path, "w");
    cr_assert(ne(ptr, file, NULL));
    fputs(text, file);
    fclose(file);
}

static void folders_make(void)
{
    char path[256];

    snprintf(root, sizeof root, "/tmp/nexus-pages-XXXXXX");
    cr_assert(ne(ptr, mkdtemp(root), NULL));
    snprintf(path, sizeof path, "%s/admin", root);
    cr_assert(eq(int, mkdir(path, 0700), 0));
    snprintf(path, sizeof path, "%s/admin/assets", root);
    cr_assert(eq(int, mkdir(path, 0700), 0));
}

static void folders_remove(void)
{
    static const char *const names[] = {"admin/index.html",
                                        "admin/assets/a.js",
                                        "admin/assets/a.js.gz",
                                        "admin/assets/a.exe",
                                        "admin/assets",
                                        "admin",
                                        "."};
    char path[256];

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        snprintf(path, sizeof path, "%s/%s", root, names[i]);
        if (unlink(path) != 0)
            (void)rmdir(path);
    }
    (void)rmdir(root);
}

Test(pages, serves_only_files_that_existed_at_the_start, .init = folders_make,
     .fini = folders_remove)
{
    struct err err;
    file_put("admin/index.html", "<!DOCTYPE html>");
    file_put("admin/assets/a.js", "1");
    file_put("admin/assets/a.js.gz", "compressed");

    struct pages *pages = pages_new(str_of(root), STR("'none'"), &err);

    cr_assert(ne(ptr, (void *)pages, NULL));
    const struct page *index = page_find(pages, STR("/admin/"));
    const struct page *script = page_find(pages, STR("/admin/assets/a.js"));
    cr_assert(ne(ptr, (void *)index, NULL));
    cr_assert(eq(int, index->immutable, false));
    cr_assert(eq(int, str_present(index->compressed), false));
    cr_assert(ne(ptr, (void *)script, NULL));
    cr_assert(eq(int, script->immutable, true));
    cr_assert(eq(int, str_equal(script->compressed, STR("compressed")), true));
    cr_assert(eq(ptr, (void *)page_find(pages, STR("/admin/index.html")), NULL));
    cr_assert(eq(ptr, (void *)page_find(pages, STR("/admin/assets/../index.html")), NULL));
    cr_assert(eq(ptr, (void *)page_find(pages, STR("/admin/assets/a.js.gz")), NULL));
    pages_free(&pages);
}

Test(pages, refuse_a_folder_with_files_of_unknown_types, .init = folders_make,
     .fini = folders_remove)
{
    struct err err = {0};
    file_put("admin/index.html", "<!DOCTYPE html>");
    file_put("admin/assets/a.exe", "?");

    struct pages *pages = pages_new(str_of(root), STR("'none'"), &err);

    cr_assert(eq(ptr, (void *)pages, NULL));
    cr_assert(eq(int, err.code, ERR_BAD_INPUT));
}

Test(pages, refuse_a_folder_without_a_page, .init = folders_make, .fini = folders_remove)
{
    struct err err = {0};

    struct pages *pages = pages_new(str_of(root), STR("'none'"), &err);

    cr_assert(eq(ptr, (void *)pages, NULL));
    cr_assert(eq(int, err.code, ERR_BAD_INPUT));
}

Test(pages, refuse_frame_ancestors_that_contain_another_directive, .init = folders_make,
     .fini = folders_remove)
{
    struct err err = {0};
    file_put("admin/index.html", "<!DOCTYPE html>");

    struct pages *pages = pages_new(str_of(root), STR("'self'; script-src *"), &err);

    cr_assert(eq(ptr, (void *)pages, NULL));
    cr_assert(eq(int, err.code, ERR_BAD_INPUT));
}

Test(pages, are_off_without_a_folder)
{
    struct err err = {0};

    cr_assert(eq(ptr, (void *)pages_new(STR(""), STR("'none'"), &err), NULL));
    cr_assert(eq(int, err.code, ERR_OK));
    cr_assert(eq(ptr, (void *)page_find(NULL, STR("/admin/")), NULL));
}
