// form: see the header.
#include "provisioning/form.h"

#include "base/buf.h"
#include "provisioning/rules.h"
#include "provisioning/webhook_headers.h"
#include "text/phone.h"

#include <ctype.h>

enum { TEXT_LIMIT = 256, COUNT_MAX = 1000000, WORDS_MAX = 20, WORD_CHARACTERS_MAX = 24 };

struct value_reading {
    const char *choices;
    struct str name, value;
    struct arena *arena;
    struct str *spelled;
};

typedef bool form_fn(const struct value_reading *reading, struct err *err);

static bool fault(struct err *err, const char *rule)
{
    return err_set(err, ERR_BAD_INPUT, "%s", rule);
}

static struct str lower(struct arena *arena, struct str text)
{
    char *copy = arena_alloc(arena, text.len + 1);

    for (size_t i = 0; i < text.len; i++)
        copy[i] = (char)tolower((unsigned char)text.ptr[i]);
    return str_make(copy, text.len);
}

static bool form_text(const struct value_reading *reading, struct err *err)
{
    struct str value = reading->value;
    size_t bad;

    if (value.len > TEXT_LIMIT || !str_is_utf8(value, &bad))
        return fault(err, "must be a text of at most 256 bytes");
    for (size_t i = 0; i < value.len; i++)
        if ((unsigned char)value.ptr[i] < ' ' || value.ptr[i] == 0x7f)
            return fault(err, "must be a text without control characters");
    return true;
}

static bool form_secret(const struct value_reading *reading, struct err *err)
{
    if (reading->value.len < 1 || reading->value.len > TEXT_LIMIT)
        return fault(err, "1 to 256 bytes are allowed");
    return true;
}

// The database decides which of them are keywords (keywords_derive()).
static bool form_words(const struct value_reading *reading, struct err *err)
{
    AUTO(buf) spelled = {0};
    struct str word, rest = reading->value;
    size_t bad;

    if (!str_is_utf8(reading->value, &bad))
        return fault(err, "must be UTF-8 text");
    for (size_t count = 1; str_present(rest); count++) {
        str_cut(rest, ',', &word, &rest);
        word = str_trim(word);
        if (count > WORDS_MAX)
            return fault(err, "at most 20 words are allowed");
        if (word.len == 0 || str_utf8_length(word) > WORD_CHARACTERS_MAX)
            return fault(err, "must be words of 1 to 24 characters, separated by commas");
        for (size_t i = 0; i < word.len; i++)
            if ((unsigned char)word.ptr[i] < ' ' || word.ptr[i] == 0x7f)
                return fault(err, "must not contain control characters");
        buf_printf(&spelled, "%s%.*s", spelled.len ? ", " : "", STR_ARG(word));
    }
    *reading->spelled = arena_copy(reading->arena, buf_str(&spelled));
    return true;
}

static bool form_choice(const struct value_reading *reading, struct err *err)
{
    struct str one, others = str_of(reading->choices);
    AUTO(buf) list = {0};

    while (str_present(others)) {
        str_cut(others, '|', &one, &others);
        if (str_equal(one, reading->value))
            return true;
        buf_printf(&list, "%s%.*s", list.len ? " or " : "", STR_ARG(one));
    }
    return err_set(err, ERR_BAD_INPUT, "must be %s", buf_c_string(&list));
}

static bool form_flag(const struct value_reading *reading, struct err *err)
{
    return str_equal(reading->value, STR("true")) || str_equal(reading->value, STR("false")) ||
           fault(err, "must be true or false");
}

static bool form_count(const struct value_reading *reading, struct err *err)
{
    int64_t number;

    return str_to_int(reading->value, 1, COUNT_MAX, &number) ||
           fault(err, "must be a whole number from 1 to 1000000");
}

static bool form_duration(const struct value_reading *reading, struct err *err)
{
    return validity_check(reading->value, err);
}

static bool form_name(const struct value_reading *reading, struct err *err)
{
    if (reading->value.len > 128)
        return fault(err, "at most 128 bytes are allowed");
    return section_name_check(reading->value, err);
}

// The code is not compared with a list of countries, because such lists change.
static bool form_country(const struct value_reading *reading, struct err *err)
{
    AUTO(buf) upper = {0};

    for (size_t i = 0; i < reading->value.len; i++)
        buf_byte(&upper, (unsigned char)(reading->value.ptr[i] & ~0x20));
    for (size_t i = 0; i < upper.len; i++)
        if (upper.data[i] < 'A' || upper.data[i] > 'Z')
            upper.len = 0;
    if (upper.len != 2)
        return fault(err, "must be the two letters of a country (ISO 3166), such as US");
    *reading->spelled = arena_copy(reading->arena, buf_str(&upper));
    return true;
}

static bool form_number(const struct value_reading *reading, struct err *err)
{
    char number[PHONE_MAX];
    size_t length;

    if (!phone_normalize(reading->value, number, &length))
        return fault(err, PHONE_RULE);
    *reading->spelled = arena_copy(reading->arena, str_make(number, length));
    return true;
}

static bool form_domain(const struct value_reading *reading, struct err *err)
{
    *reading->spelled = lower(reading->arena, reading->value);
    return domain_check(*reading->spelled, err);
}

static bool form_address(const struct value_reading *reading, struct err *err)
{
    struct err ignored;

    return form_number(reading, &ignored) || form_domain(reading, &ignored) ||
           fault(err, "must be a phone number or a mail domain");
}

static bool form_sender(const struct value_reading *reading, struct err *err)
{
    for (size_t i = 0; i < reading->value.len; i++)
        if (!isdigit((unsigned char)reading->value.ptr[i]))
            return fault(err, "must be 5 or 10 digits");
    return reading->value.len == 5 || reading->value.len == 10 ||
           fault(err, "must be 5 or 10 digits");
}

// Scheme and host have no case; the rest of a URL may have.
static struct str url_spelled(struct arena *arena, struct str url)
{
    struct str scheme, rest;
    size_t host = url.len;

    if (str_cut(url, ':', &scheme, &rest) && str_starts(rest, STR("//"))) {
        host = scheme.len + 3;
        while (host < url.len && !strchr("/?#", url.ptr[host]))
            host++;
    }
    struct str head = lower(arena, str_make(url.ptr, host));
    return arena_printf(arena, "%.*s%.*s", STR_ARG(head), STR_ARG(str_skip(url, host)));
}

static bool form_webhook(const struct value_reading *reading, struct err *err)
{
    if (reading->value.len > 2048)
        return fault(err, "a URL has at most 2048 bytes");
    *reading->spelled = url_spelled(reading->arena, reading->value);
    return webhook_url_check(*reading->spelled, err);
}

static bool form_path(const struct value_reading *reading, struct err *err)
{
    return str_starts(reading->value, STR("/")) ? form_text(reading, err)
                                                : form_webhook(reading, err);
}

static bool form_mail_url(const struct value_reading *reading, struct err *err)
{
    struct str spelled = url_spelled(reading->arena, reading->value);
    size_t scheme = str_starts(spelled, STR("smtps://"))  ? STR("smtps://").len
                    : str_starts(spelled, STR("smtp://")) ? STR("smtp://").len
                                                          : 0;
    struct err ignored;

    // The rules of host and port are those of every URL.
    struct str same =
        arena_printf(reading->arena, "http://%.*s", STR_ARG(str_skip(spelled, scheme)));
    if (!scheme || spelled.len > 2048 || memchr(same.ptr + 7, '/', same.len - 7) ||
        memchr(same.ptr, '?', same.len) || !webhook_url_check(same, &ignored))
        return fault(err, "must be smtp://host:port or smtps://host:port");
    *reading->spelled = spelled;
    return true;
}

static bool form_header(const struct value_reading *reading, struct err *err)
{
    struct str prefix, header;

    if (!str_cut(reading->name, ':', &prefix, &header))
        header = reading->name;
    return webhook_header_is_allowed(header, reading->value) ||
           fault(err,
                 "not a header that a webhook may carry: its name is a token and none of ours, "
                 "its value has no control characters");
}

static form_fn *const forms[FORM_COUNT_OF] = {
    [FORM_TEXT] = form_text,       [FORM_CHOICE] = form_choice,     [FORM_FLAG] = form_flag,
    [FORM_COUNT] = form_count,     [FORM_DURATION] = form_duration, [FORM_NAME] = form_name,
    [FORM_COUNTRY] = form_country, [FORM_NUMBER] = form_number,     [FORM_DOMAIN] = form_domain,
    [FORM_ADDRESS] = form_address, [FORM_SENDER] = form_sender,     [FORM_PATH] = form_path,
    [FORM_URL] = form_webhook,     [FORM_WEBHOOK] = form_webhook,   [FORM_MAIL_URL] = form_mail_url,
    [FORM_HEADER] = form_header,   [FORM_SECRET] = form_secret,     [FORM_WORDS] = form_words,
};

const char *form_doc(enum form form)
{
    static const char *const docs[FORM_COUNT_OF] = {
#define X(id, doc) [FORM_##id] = doc,
        FORMS(X)
#undef X
    };
    return docs[form];
}

bool form_read(enum form form, const char *choices, struct str name, struct str value,
               struct arena *arena, struct str *spelled, struct err *err)
{
    struct str as_it_is = value;
    const struct value_reading reading = {
        .choices = choices, .name = name, .value = value, .arena = arena, .spelled = &as_it_is};

    if (!forms[form](&reading, err))
        return false;
    *spelled = as_it_is;
    return true;
}
