// log_token: a token for a phone number or an e-mail address, for logs: HMAC-SHA-256 under a key
// that only operators have, 8 bytes of it in hex, and then the last two digits of a number, or the
// domain of an address: 5d41402abc4b2a76-42, 5d41402abc4b2a76@example.com.
//
// With the number and the key one can make the token and find the lines. The token does not reveal
// the number.
#pragma once

#include "base/str.h"
#include "telemetry/log.h"

enum { LOG_TOKEN_KEY_BYTES = 32 };

struct log_token log_token_make(const unsigned char key[LOG_TOKEN_KEY_BYTES], struct str address);
