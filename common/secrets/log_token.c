// log_token: see the header.
#include "secrets/log_token.h"

#include "base/buf.h"
#include "crypto/crypto.h"

enum { TOKEN_BYTES = 8, DIGITS_SHOWN = 2, DOMAIN_LIMIT = 64 };

static struct str domain_of(struct str address)
{
    const char *at = address.len ? memrchr(address.ptr, '@', address.len) : NULL;

    if (!at)
        return STR_ABSENT;
    struct str domain = str_skip(address, (size_t)(at - address.ptr) + 1);
    if (domain.len > DOMAIN_LIMIT)
        domain.len = DOMAIN_LIMIT;
    return domain;
}

struct log_token log_token_make(const unsigned char key[LOG_TOKEN_KEY_BYTES], struct str address)
{
    unsigned char digest[SHA256_BYTES];
    struct str domain = domain_of(address), digits;
    struct log_token person = {.text = ""};
    AUTO(buf) token = {0};

    if (address.len == 0)
        return person;
    digits = address.len > DIGITS_SHOWN ? str_skip(address, address.len - DIGITS_SHOWN) : STR("");
    crypto_hmac_sha256(str_make(key, LOG_TOKEN_KEY_BYTES), address, digest);
    buf_hex(&token, str_make(digest, TOKEN_BYTES));
    buf_byte(&token, str_present(domain) ? '@' : '-');
    if (str_present(domain))
        buf_str_append(&token, domain);
    else
        buf_str_append(&token, digits);
    memcpy(person.text, token.data, token.len < LOG_TOKEN_BYTES ? token.len : LOG_TOKEN_BYTES - 1);
    return person;
}
