// session: values derived from the secret in a session's cookie. PostgreSQL stores only its digest
// and the user's GWS token, sealed under a key that is derived from the cookie. The CSRF token is
// derived from it too, so it need not be stored.
#pragma once

#include "base/buf.h"
#include "base/str.h"
#include "crypto/crypto.h"

enum { SESSION_SECRET_LENGTH = 64, SESSION_CSRF_LENGTH = 64 }; // hex digits: 256 bits

// A fresh secret; the text ends in a NUL.
void session_secret_new(char secret[SESSION_SECRET_LENGTH + 1]);
bool session_secret_is_plausible(struct str secret);
void session_digest(struct str secret, unsigned char digest[SHA256_BYTES]);
// The user's GWS token under the session's own key, as text.
void session_token_seal(struct str secret, struct str token, struct buf *sealed);
MUST_USE bool session_token_open(struct str secret, struct str sealed, struct buf *token);
void session_csrf(struct str secret, char csrf[SESSION_CSRF_LENGTH + 1]);
