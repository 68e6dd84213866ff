// person: a token for a phone number or an e-mail address, for logs: HMAC-SHA-256 under a key that
// only operators have, 8 bytes of it in hex, and then the last two digits of a number, or the domain
// of an address: 5d41402abc4b2a76-42, 5d41402abc4b2a76@example.com.
//
// Whoever knows somebody's number, and has the key, can make the token and find the lines; the other
// way round there is no way.
#pragma once

#include "base/log.h"
#include "base/str.h"

enum { PERSON_KEY_BYTES = 32 };

struct log_person person_token(const unsigned char key[PERSON_KEY_BYTES], struct str address);
