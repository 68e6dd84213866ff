// openapi-generator json|c: writes the description of the API to standard output, as JSON or as the C
// file from which the gateway serves it (gateway/pages/openapi.h).
#include "document.h"

#include "base/panic.h"
#include "base/str.h"
#include "gateway/etag.h"
#include "io/zlib/gunzip.h"

#include <errno.h>
#include <stdio.h>

static void write_bytes(const char *name, struct str bytes)
{
    printf("static const unsigned char %s[%zu] = {", name, bytes.len);
    for (size_t i = 0; i < bytes.len; i++)
        printf("%s%d,", i % 32 ? "" : "\n", (unsigned char)bytes.ptr[i]);
    puts("\n};");
}

static void write_c(struct str document)
{
    AUTO(buf) compressed = {0};
    char etag[ETAG_TEXT];

    gzip(document, &compressed);
    etag_of(document, etag);
    puts("// Made by docs/openapi.\n#include \"gateway/pages/openapi.h\"\n");
    write_bytes("plain", document);
    write_bytes("compressed", buf_str(&compressed));
    puts("const struct openapi_document openapi_document = {\n"
         "    .plain = {.ptr = (const char *)plain, .len = sizeof plain},\n"
         "    .compressed = {.ptr = (const char *)compressed, .len = sizeof compressed},");
    printf("    .etag = STR_INIT(\"\\\"%.*s\\\"\"),\n};\n", (int)strlen(etag) - 2,
           etag + 1); // its quotes are escaped
}

int main(int argc, char **argv)
{
    AUTO(buf) document = {0};

    if (argc != 2)
        die("usage: openapi-generator json|c");
    document_write(&document);
    if (str_equal(str_of(argv[1]), STR("c")))
        write_c(buf_str(&document));
    else
        puts(buf_c_string(&document));
    if (fflush(stdout) != 0)
        die("cannot write: %s", strerror(errno));
    return 0;
}
