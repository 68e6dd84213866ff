// pages: reads the folder and finds a file. pages_serve.c sends it.
#include "gateway/pages/pages.h"

#include "base/buf.h"
#include "base/heap.h"
#include "base/panic.h"
#include "crypto/crypto.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct pages {
    struct page all[PAGES_LIMIT];
    size_t count, bytes;
    struct buf policy;
};

// What a page is made of.
static const struct {
    struct str ending;
    const char *type;
} types[] = {
    {STR_INIT(".html"), "text/html; charset=utf-8"},
    {STR_INIT(".js"), "text/javascript; charset=utf-8"},
    {STR_INIT(".css"), "text/css; charset=utf-8"},
    {STR_INIT(".svg"), "image/svg+xml"},
};

static const struct {
    const char *folder, *path; // below the root; in the URL
    bool immutable;
} folders[] = {
    {"admin", "/admin/", false},
    {"admin/assets", "/admin/assets/", true},
};

static bool ends_in(struct str text, struct str ending)
{
    return text.len > ending.len && str_equal(str_skip(text, text.len - ending.len), ending);
}

static const char *type_of(struct str name)
{
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (ends_in(name, types[i].ending))
            return types[i].type;
    return NULL;
}

// The whole file, in memory of its own; absent when there is no such file.
static bool file_read(struct pages *pages, const char *name, struct str *bytes, struct err *err)
{
    struct stat file;
    int descriptor = open(name, O_RDONLY | O_CLOEXEC);

    if (descriptor < 0 && errno == ENOENT)
        return true;
    if (descriptor < 0 || fstat(descriptor, &file) < 0) {
        if (descriptor >= 0)
            close(descriptor);
        return err_set(err, ERR_BAD_INPUT, "%s: %s", name, strerror(errno));
    }
    size_t size = (size_t)file.st_size, have = 0;
    if (!S_ISREG(file.st_mode) || size > PAGES_BYTES_LIMIT - pages->bytes) {
        close(descriptor);
        return err_set(err, ERR_BAD_INPUT, "%s: not a file, or more than %d bytes in all", name,
                       PAGES_BYTES_LIMIT);
    }
    char *copy = heap_raw(size + 1);
    ssize_t piece = 1;
    while (have < size && (piece = read(descriptor, copy + have, size - have)) > 0)
        have += (size_t)piece;
    close(descriptor);
    if (have < size) {
        free(copy);
        return err_set(err, ERR_BAD_INPUT, "%s: cannot be read whole", name);
    }
    pages->bytes += size;
    *bytes = str_make(copy, size);
    return true;
}

static bool page_add(struct pages *pages, struct str root, size_t folder, struct str name,
                     struct err *err)
{
    bool is_index = str_equal(name, STR("index.html"));
    AUTO(buf) file = {0}, path = {0};

    if (ends_in(name, STR(".gz")))
        return true; // read together with the original
    if (!type_of(name) || pages->count == PAGES_LIMIT)
        return err_set(err, ERR_BAD_INPUT, "%s/%.*s: %s", folders[folder].folder, STR_ARG(name),
                       type_of(name) ? "too many files" : "no type is known for this name");
    struct page *page = &pages->all[pages->count++];
    buf_printf(&file, "%.*s/%s/%.*s", STR_ARG(root), folders[folder].folder, STR_ARG(name));
    buf_printf(&path, "%s%.*s", folders[folder].path, is_index ? 0 : (int)name.len, name.ptr);
    page->path = strdup(buf_c_string(&path));
    page->type = type_of(name);
    page->immutable = folders[folder].immutable;
    if (!page->path)
        panic("out of memory");
    if (!file_read(pages, buf_c_string(&file), &page->plain, err))
        return false;
    buf_str_append(&file, STR(".gz"));
    etag_of(page->plain, page->etag);
    return file_read(pages, buf_c_string(&file), &page->compressed, err);
}

static bool folder_read(struct pages *pages, struct str root, size_t folder, struct err *err)
{
    AUTO(buf) name = {0};
    const struct dirent *entry;
    bool good = true;

    buf_printf(&name, "%.*s/%s", STR_ARG(root), folders[folder].folder);
    DIR *listing = opendir(buf_c_string(&name));
    if (!listing)
        return err_set(err, ERR_BAD_INPUT, "%s: %s", buf_c_string(&name), strerror(errno));
    while (good && (entry = readdir(listing)) != NULL)
        if (entry->d_type != DT_DIR && entry->d_name[0] != '.')
            good = page_add(pages, root, folder, str_of(entry->d_name), err);
    closedir(listing);
    return good;
}

// Only our own files run or load, pages are framed only by the configured origins, and text never
// becomes markup: browsers refuse to assign to innerHTML.
static bool policy_make(struct pages *pages, struct str frame_ancestors, struct err *err)
{
    for (size_t i = 0; i < frame_ancestors.len; i++) {
        unsigned char byte = (unsigned char)frame_ancestors.ptr[i];
        if (byte < 0x20 || byte > 0x7e || byte == ';' || byte == ',')
            return err_set(
                err, ERR_BAD_INPUT,
                "NEXUS_WEB_FRAME_ANCESTORS: 'none', 'self' or origins, set apart by blanks");
    }
    buf_printf(&pages->policy,
               "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
               "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors %.*s; "
               "require-trusted-types-for 'script'",
               STR_ARG(frame_ancestors.len ? frame_ancestors : STR("'none'")));
    return true;
}

struct pages *pages_new(struct str root, struct str frame_ancestors, struct err *err)
{
    if (root.len == 0)
        return NULL;
    struct pages *pages = heap_new(sizeof *pages);
    bool good = policy_make(pages, frame_ancestors, err);
    for (size_t i = 0; good && i < COUNT_OF(folders); i++)
        good = folder_read(pages, root, i, err);
    if (good && !page_find(pages, STR("/admin/")))
        good = err_set(err, ERR_BAD_INPUT, "NEXUS_WEB_ROOT: admin/index.html is not there");
    if (!good)
        pages_free(&pages);
    return pages;
}

void pages_free(struct pages **pages)
{
    struct pages *ending = *pages;

    *pages = NULL;
    if (!ending)
        return;
    for (size_t i = 0; i < ending->count; i++) {
        free(ending->all[i].path);
        free((void *)(uintptr_t)ending->all[i].plain.ptr);
        free((void *)(uintptr_t)ending->all[i].compressed.ptr);
    }
    buf_release(&ending->policy);
    free(ending);
}

const struct page *page_find(const struct pages *pages, struct str path)
{
    for (size_t i = 0; pages && i < pages->count; i++)
        if (str_equal(str_of(pages->all[i].path), path))
            return &pages->all[i];
    return NULL;
}

struct str pages_policy(const struct pages *pages)
{
    return buf_str(&pages->policy);
}
