// etag: see the header.
#include "gateway/etag.h"

#include "base/buf.h"
#include "base/panic.h"
#include "crypto/crypto.h"

void etag_of(struct str bytes, char text[static ETAG_TEXT])
{
    unsigned char digest[SHA256_BYTES];
    AUTO(buf) quoted = {0};

    crypto_sha256(bytes, digest);
    buf_byte(&quoted, '"');
    buf_hex(&quoted, str_make(digest, SHA256_BYTES / 2));
    buf_byte(&quoted, '"');
    ASSERT(quoted.len < ETAG_TEXT);
    memcpy(text, buf_c_string(&quoted), quoted.len + 1);
}

// The next version of the list, without the W/ of a weak one.
static struct str next_version(struct str *list)
{
    struct str one;

    str_cut(*list, ',', &one, list);
    one = str_trim(one);
    return str_starts(one, STR("W/")) ? str_skip(one, 2) : one;
}

bool etag_matches(struct str if_none_match, struct str etag)
{
    while (if_none_match.len) {
        struct str one = next_version(&if_none_match);
        if (str_equal(one, etag) || str_equal(one, STR("*")))
            return true;
    }
    return false;
}

static bool is_version(struct str text)
{
    if (text.len < 2 || text.ptr[0] != '"' || text.ptr[text.len - 1] != '"')
        return false;
    for (size_t i = 1; i + 1 < text.len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] == '"' || text.ptr[i] > '~')
            return false;
    return true;
}

bool condition_check(const char *header, struct str value, struct err *err)
{
    struct str rest = value;
    bool good = value.len > 0 && value.len <= CONDITION_LIMIT;

    if (good && str_equal(str_trim(value), STR("*")))
        return true;
    while (good && rest.len)
        good = is_version(next_version(&rest));
    return good || err_set(err, ERR_BAD_INPUT,
                           "%s: must be *, or versions as the header ETag gave them", header);
}
