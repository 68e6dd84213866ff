// rules: see the header.
#include "provisioning/rules.h"

#include "base/id.h"

#include <ctype.h>

static bool in_set(struct str text, const char *beside_letters_and_digits)
{
    for (size_t i = 0; i < text.len; i++)
        if (!isalnum((unsigned char)text.ptr[i]) &&
            !(text.ptr[i] && strchr(beside_letters_and_digits, text.ptr[i])))
            return false;
    return text.len > 0;
}

static bool is_visible(struct str text) // ASCII without blanks and controls
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] > '~')
            return false;
    return true;
}

bool uuid_check(struct str text, struct err *err)
{
    struct id id;

    if (!id_parse(text, &id) || id_is_none(id))
        return err_set(err, ERR_BAD_INPUT, "must be a UUID");
    return true;
}

bool permission_check(struct str text, struct err *err)
{
    struct str rest = text, segment;
    size_t segments = 0;

    while (str_present(rest)) {
        str_cut(rest, ':', &segment, &rest);
        segments++;
        if (!str_equal(segment, STR("*")) && !in_set(segment, "-_"))
            return err_set(err, ERR_BAD_INPUT, "a segment is letters, digits, - and _, or * alone");
    }
    if (segments != 3)
        return err_set(err, ERR_BAD_INPUT, "must be product:role:resource");
    return true;
}

// "host", "host:port", "[::1]:port"
static bool authority_check(struct str authority)
{
    struct str host = authority, port = STR_ABSENT;
    int64_t number;

    if (str_starts(authority, STR("["))) {
        if (!str_cut(authority, ']', &host, &port) || !in_set(str_skip(host, 1), ":."))
            return false;
        if (port.len > 0 && port.ptr[0] != ':')
            return false;
        port = port.len > 0 ? str_skip(port, 1) : STR_ABSENT;
    } else {
        str_cut(authority, ':', &host, &port);
        if (!in_set(host, "-._"))
            return false;
    }
    return !str_present(port) || str_to_int(port, 1, 65535, &number);
}

bool webhook_url_check(struct str text, struct err *err)
{
    size_t scheme = str_starts(text, STR("https://"))  ? STR("https://").len
                    : str_starts(text, STR("http://")) ? STR("http://").len
                                                       : 0;

    if (!scheme)
        return err_set(err, ERR_BAD_INPUT, "must be a URL with http:// or https://");
    if (!is_visible(text))
        return err_set(err, ERR_BAD_INPUT, "a URL has no blanks and only ASCII characters");
    if (memchr(text.ptr, '#', text.len))
        return err_set(err, ERR_BAD_INPUT, "a webhook's URL has no fragment");
    struct str rest = str_skip(text, scheme);
    size_t length = 0;
    while (length < rest.len && !strchr("/?", rest.ptr[length]))
        length++;
    struct str authority = str_make(rest.ptr, length);
    if (memchr(authority.ptr, '@', authority.len))
        return err_set(err, ERR_BAD_INPUT, "no user name or password in a URL; use a header");
    if (authority.len == 0)
        return err_set(err, ERR_BAD_INPUT, "the URL is missing");
    if (!authority_check(authority))
        return err_set(err, ERR_BAD_INPUT, "the host or the port of the URL is not valid");
    return true;
}

bool webhook_https_check(struct str url, bool https_only, struct err *err)
{
    return !https_only || str_starts(url, STR("https://")) ||
           err_set(err, ERR_BAD_INPUT,
                   "must be a URL with https:// (NEXUS_WEBHOOK_HTTPS_ONLY is set)");
}

bool section_name_check(struct str text, struct err *err)
{
    if (!in_set(text, "_-."))
        return err_set(err, ERR_BAD_INPUT, "must consist of letters, digits, _, - and .");
    return true;
}

bool domain_check(struct str text, struct err *err)
{
    bool dot = false;

    for (size_t i = 0; i < text.len; i++) {
        dot |= text.ptr[i] == '.';
        if (isupper((unsigned char)text.ptr[i]))
            return err_set(err, ERR_BAD_INPUT, "must be a mail domain in lower case");
    }
    if (!in_set(text, "-.") || !dot || text.ptr[0] == '.' || text.ptr[text.len - 1] == '.')
        return err_set(err, ERR_BAD_INPUT, "must be a mail domain");
    return true;
}

// 9 stands for any digit.
static bool has_form(struct str text, struct str form)
{
    if (text.len != form.len)
        return false;
    for (size_t i = 0; i < form.len; i++)
        if (form.ptr[i] == '9' ? !isdigit((unsigned char)text.ptr[i]) : text.ptr[i] != form.ptr[i])
            return false;
    return true;
}

static int64_t number_at(struct str text, size_t offset)
{
    int64_t number = 0;

    return str_to_int(str_make(text.ptr + offset, 2), 0, 99, &number) ? number : 0;
}

// Does this day exist, and this time of day?
static bool time_exists(struct str text)
{
    static const int8_t days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t year = number_at(text, 0) * 100 + number_at(text, 2), month = number_at(text, 5);
    int64_t day = number_at(text, 8);
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    if (year < 1 || month < 1 || month > 12 || day < 1 || day > days[month - 1] ||
        (month == 2 && day == 29 && !leap))
        return false;
    return text.len == 10 ||
           (number_at(text, 11) < 24 && number_at(text, 14) < 60 && number_at(text, 17) < 60);
}

bool time_check(struct str text, struct err *err)
{
    bool good = has_form(text, STR("9999-99-99")) || has_form(text, STR("9999-99-99T99:99:99Z")) ||
                has_form(text, STR("9999-99-99T99:99:99.999Z"));

    if (!good || !time_exists(text))
        return err_set(err, ERR_BAD_INPUT,
                       "must be a time such as 2027-01-31 or 2027-01-31T12:00:00Z");
    return true;
}

bool day_check(struct str text, struct err *err)
{
    if (!has_form(text, STR("9999-99-99")) || !time_exists(text))
        return err_set(err, ERR_BAD_INPUT, "must be a day such as 2027-01-31");
    return true;
}

bool validity_check(struct str text, struct err *err)
{
    const int64_t week_ms = 7 * 86400000LL;
    int64_t validity_ms;

    if (!str_to_duration_ms(text, &validity_ms) || validity_ms < 1000 || validity_ms > week_ms)
        return err_set(err, ERR_BAD_INPUT, "must be a duration from 1s to 7d");
    return true;
}
