// session: see the header.
#include "secrets/session.h"

#include "base/random.h"

static void hex_write(const unsigned char bytes[SHA256_BYTES], char text[2 * SHA256_BYTES + 1])
{
    AUTO(buf) hex = {0};

    buf_hex(&hex, str_make(bytes, SHA256_BYTES));
    memcpy(text, hex.data, 2 * SHA256_BYTES);
    text[2 * SHA256_BYTES] = '\0';
}

void session_secret_new(char secret[SESSION_SECRET_LENGTH + 1])
{
    unsigned char bytes[SHA256_BYTES];

    random_bytes(bytes, sizeof bytes);
    hex_write(bytes, secret);
}

bool session_secret_is_plausible(struct str secret)
{
    AUTO(buf) bytes = {0};

    return secret.len == SESSION_SECRET_LENGTH && buf_unhex(&bytes, secret);
}

void session_digest(struct str secret, unsigned char digest[SHA256_BYTES])
{
    crypto_sha256(secret, digest);
}

static void seal_key(struct str secret, unsigned char key[SHA256_BYTES])
{
    crypto_hmac_sha256(secret, STR("nexus session token"), key);
}

void session_token_seal(struct str secret, struct str token, struct buf *sealed)
{
    unsigned char key[SHA256_BYTES];
    AUTO(buf) bytes = {0};

    seal_key(secret, key);
    crypto_aead_seal(key, STR("session"), token, &bytes);
    buf_base64(sealed, buf_str(&bytes));
    crypto_forget(key, sizeof key);
}

bool session_token_open(struct str secret, struct str sealed, struct buf *token)
{
    unsigned char key[SHA256_BYTES];
    AUTO(buf) bytes = {0};

    seal_key(secret, key);
    bool opened = buf_unbase64(&bytes, sealed) &&
                  crypto_aead_open(key, STR("session"), buf_str(&bytes), token);
    crypto_forget(key, sizeof key);
    return opened;
}

void session_csrf(struct str secret, char csrf[SESSION_CSRF_LENGTH + 1])
{
    unsigned char mac[SHA256_BYTES];

    crypto_hmac_sha256(secret, STR("nexus session csrf"), mac);
    hex_write(mac, csrf);
}
