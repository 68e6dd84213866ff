// zmq_key_file: files that czmq reads, and files that only Nexus reads.
#include "io/zmq/zmq_key_file.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <czmq.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct files {
    char folder[32], secret[64], public[64];
    struct zmq_key_pair pair;
};

static void files_write(struct files *files)
{
    struct err err = {0};

    snprintf(files->folder, sizeof files->folder, "/tmp/nexus-keys-XXXXXX");
    cr_assert(ne(ptr, mkdtemp(files->folder), NULL));
    snprintf(files->secret, sizeof files->secret, "%s/key", files->folder);
    snprintf(files->public, sizeof files->public, "%s/key.pub", files->folder);
    zmq_key_pair_make(&files->pair);
    cr_assert(zmq_secret_file_write(&files->pair, files->secret, &err), "%s", err.text);
    cr_assert(zmq_public_file_write(&files->pair, files->public, &err), "%s", err.text);
}

static void files_remove(struct files *files)
{
    unlink(files->secret);
    unlink(files->public);
    rmdir(files->folder);
}

static struct str file_text(const char *path, char *bytes, size_t size)
{
    FILE *file = fopen(path, "r");
    cr_assert(file != NULL);
    size_t count = fread(bytes, 1, size, file);
    fclose(file);
    return str_make(bytes, count);
}

static unsigned mode_of(const char *path)
{
    struct stat status;

    cr_assert(eq(int, stat(path, &status), 0));
    return status.st_mode & 0777;
}

Test(zmq_key_file, writes_certificates_that_czmq_and_we_read)
{
    struct files files;
    struct zmq_key_pair read;
    struct err err = {0};
    char bytes[1024], public_key[41];
    files_write(&files);

    cr_assert(eq(int, mode_of(files.secret), 0600));
    cr_assert(eq(int, mode_of(files.public), 0644));
    zcert_t *certificate = zcert_load(files.secret);
    cr_assert(eq(str, (char *)zcert_secret_txt(certificate), files.pair.secret_key));
    cr_assert(eq(str, (char *)zcert_public_txt(certificate), files.pair.public_key));
    zcert_destroy(&certificate);
    certificate = zcert_load(files.public);
    cr_assert(eq(str, (char *)zcert_public_txt(certificate), files.pair.public_key));
    zcert_destroy(&certificate);

    struct str text = file_text(files.secret, bytes, sizeof bytes);
    cr_assert(zmq_key_pair_read(text, &read, &err), "%s", err.text);
    cr_assert(eq(str, read.secret_key, files.pair.secret_key));
    cr_assert(eq(str, read.public_key, files.pair.public_key));
    text = file_text(files.public, bytes, sizeof bytes);
    cr_assert(zmq_public_key_read(text, public_key, &err), "%s", err.text);
    cr_assert(eq(str, public_key, files.pair.public_key));
    cr_assert(not(zmq_key_pair_read(text, &read, &err)), "it has no secret key");

    files_remove(&files);
}

Test(zmq_key_file, reads_a_bare_secret_key)
{
    struct zmq_key_pair pair, read;
    struct err err = {0};
    char text[64], public_key[41];
    zmq_key_pair_make(&pair);
    snprintf(text, sizeof text, "%s\n", pair.secret_key);

    cr_assert(zmq_key_pair_read(str_of(text), &read, &err), "%s", err.text);
    cr_assert(eq(str, read.public_key, pair.public_key));
    cr_assert(zmq_public_key_read(str_of(text), public_key, &err), "%s", err.text);
    cr_assert(eq(str, public_key, pair.public_key));
}

Test(zmq_key_file, refuses_a_file_without_a_key)
{
    static const char *const texts[] = {
        "",
        "nonsense",
        "curve\n    secret-key = \"short\"\n",
        "curve\n    secret-key = \"\n",
        "# secret-key = \"0123456789012345678901234567890123456789\"\n",
        "secret-key = 0123456789012345678901234567890123456789\n",
        "~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~"};
    struct zmq_key_pair read;
    char public_key[41];

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct err err = {0};
        cr_expect(not(zmq_key_pair_read(str_of(texts[i]), &read, &err)), "%s", texts[i]);
        cr_expect(not(zmq_public_key_read(str_of(texts[i]), public_key, &err)), "%s", texts[i]);
        cr_expect(ne(ptr, strstr(err.text, "certificate of czmq"), NULL), "%s", err.text);
    }
}

Test(zmq_key_file, names_the_file_that_it_cannot_write)
{
    struct zmq_key_pair pair;
    struct err err = {0};
    zmq_key_pair_make(&pair);

    cr_assert(not(zmq_secret_file_write(&pair, "/nonexistent/key", &err)));

    cr_assert(ne(ptr, strstr(err.text, "/nonexistent/key: No such file"), NULL), "%s", err.text);
}
