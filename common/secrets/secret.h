// secret: what keys and sealed secrets are bound to. Writer (nexusctl, provisioning) and reader
// (key look-up, delivery engine, signature check) must agree to the byte, so the rules live here
// once.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "crypto/crypto.h"

enum { SECRET_KEY_BYTES = 32 };

// Reads a key from a setting of 64 hex digits: NEXUS_KEY_PEPPER, NEXUS_KEY_ENCRYPTION_KEY. name is
// the setting's, for the error, which never contains the value.
MUST_USE bool secret_key_parse(const char *name, struct str hex,
                               unsigned char key[SECRET_KEY_BYTES], struct err *err);

// The place a channel's sealed secret is bound to: "secret|<ccid>|<address>|<use>". ccid in lower
// case, address as the channel has it; use is "webhook" for what we sign with, "api" for what
// others sign with.
void secret_aad(struct buf *aad, struct str ccid, struct str address, const char *use);

// How an API key is stored and looked up: HMAC-SHA-256 (pepper, SHA-256 (key)). digest is the raw
// SHA-256.
void key_mac(const unsigned char pepper[SECRET_KEY_BYTES], const unsigned char digest[SHA256_BYTES],
             unsigned char mac[SHA256_BYTES]);
