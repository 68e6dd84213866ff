// zmq_key_file: key pairs for CURVE, and the files that hold them. A file is a certificate in the
// format of czmq (zcert), secret or public; the secret one has both keys. A file that holds nothing
// but a secret key in Z85, as files of release 9.0.0 do, is read, too.
#pragma once

#include "base/err.h"
#include "base/str.h"

struct zmq_key_pair { // in Z85
    char public_key[41], secret_key[41];
};

// A new pair of keys.
void zmq_key_pair_make(struct zmq_key_pair *pair);
// The pair of a file with this text, or of a secret key in Z85.
MUST_USE bool zmq_key_pair_read(struct str text, struct zmq_key_pair *pair, struct err *err);
// The public key of a file with this text, which may be a public certificate as well.
MUST_USE bool zmq_public_key_read(struct str text, char public_key[static 41], struct err *err);

// Write a certificate with both keys, mode 0600, or one with the public key alone, mode 0644. An
// existing file is replaced. When they return, the file is on disk.
MUST_USE bool zmq_secret_file_write(const struct zmq_key_pair *pair, const char *path,
                                    struct err *err);
MUST_USE bool zmq_public_file_write(const struct zmq_key_pair *pair, const char *path,
                                    struct err *err);
