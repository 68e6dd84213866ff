// secret_option: what sign, verify and gapis share: the secret, from --secret or --secret-file, the
// body, and how the signed string is shown.
#pragma once

#include "nexusctl/cli/command.h"

// All three commands have these first in their tables.
enum { SECRET, SECRET_FILE, SECRET_OPTIONS };
// clang-format off
#define SECRET_OPTION_ROWS \
    [SECRET] = {"--secret", NULL, "TEXT", .doc = "The channel's secret; others on this machine can see it in ps."}, \
    [SECRET_FILE] = {"--secret-file", NULL, "FILE", .rule = file_check, .doc = "The file that contains the secret."}
// clang-format on

MUST_USE bool secret_option_read(struct call *call, struct str *secret, struct err *err);
// The body: the file that is the command's one word, standard input when left out.
MUST_USE bool body_read(struct call *call, struct str *body, struct err *err);
// For debugging: the number of bytes, and the first 2048 of them.
void signed_print(struct str text, struct buf *out);
