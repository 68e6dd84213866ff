// person: see the header.
#include "io/person.h"

#include "base/buf.h"
#include "io/crypto.h"

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

struct log_person person_token(const unsigned char key[PERSON_KEY_BYTES], struct str address)
{
    unsigned char digest[SHA256_BYTES];
    struct str domain = domain_of(address), digits;
    struct log_person person = {.text = ""};
    AUTO(buf) token = {0};

    if (address.len == 0)
        return person;
    digits = address.len > DIGITS_SHOWN ? str_skip(address, address.len - DIGITS_SHOWN) : STR("");
    crypto_hmac_sha256(str_make(key, PERSON_KEY_BYTES), address, digest);
    buf_hex(&token, str_make(digest, TOKEN_BYTES));
    buf_byte(&token, str_present(domain) ? '@' : '-');
    if (str_present(domain))
        buf_str_append(&token, domain);
    else
        buf_str_append(&token, digits);
    memcpy(person.text, token.data,
           token.len < LOG_PERSON_BYTES ? token.len : LOG_PERSON_BYTES - 1);
    return person;
}
