// phone: see the header.
#include "text/phone.h"

#include "base/attributes.h"

enum {
    DIGITS_MIN = 3,
    SHORT_CODE_DIGITS_MAX = 6,
    NUMBER_DIGITS_MIN = 7,
    DIGITS_MAX = 15,
    COUNTRY_CODE_MAX = 3,
    DIGITS_READ_MAX = 24, // with what stands before a country code
};

// Countries where a national number has a leading 0 that is not part of it, or is recognised by its
// length, with the smallest and largest count of digits after the country code (ITU-T E.164 and
// E.129). Not listed are countries where the 0 belongs to the number (Italy), or where a national
// number cannot be distinguished from one of another country (Spain, Denmark, Norway, Poland,
// Portugal).
static const struct country {
    struct str code;
    struct str exit; // what is dialled before the country code of another, besides 00
    size_t minimum, maximum;
    bool zero; // false: North America
} countries[] = {
    {STR_INIT("1"), STR_INIT("011"), 10, 10, false}, // North America
    {STR_INIT("27"), STR_INIT("00"), 9, 9, true},    // South Africa
    {STR_INIT("31"), STR_INIT("00"), 9, 9, true},    // Netherlands
    {STR_INIT("32"), STR_INIT("00"), 8, 9, true},    // Belgium
    {STR_INIT("33"), STR_INIT("00"), 9, 9, true},    // France
    {STR_INIT("353"), STR_INIT("00"), 7, 9, true},   // Ireland
    {STR_INIT("358"), STR_INIT("00"), 5, 11, true},  // Finland
    {STR_INIT("359"), STR_INIT("00"), 7, 9, true},   // Bulgaria
    {STR_INIT("380"), STR_INIT("00"), 9, 9, true},   // Ukraine
    {STR_INIT("381"), STR_INIT("00"), 8, 9, true},   // Serbia
    {STR_INIT("385"), STR_INIT("00"), 8, 9, true},   // Croatia
    {STR_INIT("386"), STR_INIT("00"), 8, 8, true},   // Slovenia
    {STR_INIT("40"), STR_INIT("00"), 9, 9, true},    // Romania
    {STR_INIT("41"), STR_INIT("00"), 9, 9, true},    // Switzerland
    {STR_INIT("421"), STR_INIT("00"), 9, 9, true},   // Slovakia
    {STR_INIT("43"), STR_INIT("00"), 7, 13, true},   // Austria
    {STR_INIT("44"), STR_INIT("00"), 9, 10, true},   // United Kingdom
    {STR_INIT("46"), STR_INIT("00"), 7, 9, true},    // Sweden
    {STR_INIT("49"), STR_INIT("00"), 6, 13, true},   // Germany
    {STR_INIT("61"), STR_INIT("0011"), 9, 9, true},  // Australia
    {STR_INIT("64"), STR_INIT("00"), 8, 10, true},   // New Zealand
    {STR_INIT("81"), STR_INIT("010"), 9, 10, true},  // Japan
    {STR_INIT("90"), STR_INIT("00"), 10, 10, true},  // Turkey
    {STR_INIT("91"), STR_INIT("00"), 10, 10, true},  // India
};

// No country code is a prefix of another.
static const struct country *country_of(struct str number)
{
    if (number.len == 0 || number.ptr[0] != '+')
        return NULL;
    for (size_t i = 0; i < COUNT_OF(countries); i++)
        if (str_starts(str_skip(number, 1), countries[i].code))
            return &countries[i];
    return NULL;
}

// Takes one character off the front of UTF-8 text; 0xFFFD where it is none.
static uint32_t character_take(struct str *text)
{
    unsigned char first = (unsigned char)text->ptr[0];
    size_t length = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    uint32_t character = length == 1 ? first : first & (0xFFu >> (length + 1));

    if (length == 0 || length > text->len) {
        *text = str_skip(*text, 1);
        return 0xFFFD;
    }
    for (size_t i = 1; i < length; i++)
        character = character << 6 | ((unsigned char)text->ptr[i] & 0x3F);
    *text = str_skip(*text, length);
    return character;
}

static bool digit_is(uint32_t character, char *digit)
{
    static const uint32_t zeros[] = {'0', 0x0660, 0x06F0, 0x0966, 0xFF10};

    for (size_t i = 0; i < COUNT_OF(zeros); i++) {
        if (character >= zeros[i] && character <= zeros[i] + 9) {
            *digit = (char)('0' + (character - zeros[i]));
            return true;
        }
    }
    return false;
}

// Characters between digits that have no meaning.
static bool is_filling(uint32_t c)
{
    static const char ascii[] = " \t\r\n-./()[]";

    return (c < 0x80 && c != 0 && strchr(ascii, (int)c)) || c == 0x00A0 || c == 0x00AD ||
           (c >= 0x2000 && c <= 0x2015) || (c >= 0x2028 && c <= 0x202F) || c == 0x205F ||
           (c >= 0x2060 && c <= 0x2069) || c == 0x2212 || c == 0x3000 || c == 0xFEFF ||
           c == 0xFF08 || c == 0xFF09 || c == 0xFF0D || c == 0xFF0E;
}

struct phone_reading {
    bool plus;
    size_t count;
    char digits[DIGITS_READ_MAX];
};

// Without the pair of marks that encloses it.
static struct str unwrapped(struct str text)
{
    static const char pairs[][2] = {{'<', '>'}, {'"', '"'}, {'\'', '\''}};

    for (size_t i = 0; i < COUNT_OF(pairs); i++)
        if (text.len > 2 && text.ptr[0] == pairs[i][0] && text.ptr[text.len - 1] == pairs[i][1])
            return str_trim(str_make(text.ptr + 1, text.len - 2));
    return text;
}

// Removes what gateways put around a number: the scheme of a URI before it, and after it the
// parameters of a URI, the domain of an e-mail gateway, or the kind of address as in MM7.
static struct str bare_number(struct str text)
{
    static const struct str schemes[] = {STR_INIT("tel"),     STR_INIT("sms"),   STR_INIT("smsto"),
                                         STR_INIT("mms"),     STR_INIT("mmsto"), STR_INIT("callto"),
                                         STR_INIT("whatsapp")};
    static const struct str kind = STR_INIT("/TYPE=");
    struct str scheme, rest, ignored;

    text = unwrapped(str_trim(text));
    if (str_cut(text, ':', &scheme, &rest))
        for (size_t i = 0; i < COUNT_OF(schemes); i++)
            if (str_equal_ignoring_case(scheme, schemes[i]))
                text = rest;
    for (const char *end = ";?@"; *end; end++)
        str_cut(text, *end, &text, &ignored);
    for (size_t i = 0; i + kind.len <= text.len; i++)
        if (str_equal_ignoring_case(str_make(text.ptr + i, kind.len), kind))
            return str_make(text.ptr, i);
    return text;
}

// Spreadsheets write 15551230001.0; without its last two characters.
static struct str whole_number(struct str text)
{
    struct str number = text;
    size_t i = 0;

    if (!str_ends(text, STR(".0")))
        return text;
    number.len -= 2;
    while (i < number.len &&
           ((number.ptr[i] >= '0' && number.ptr[i] <= '9') || number.ptr[i] == '+'))
        i++;
    return i == number.len ? number : text;
}

static bool digits_read(struct str text, struct phone_reading *reading)
{
    char digit;

    *reading = (struct phone_reading){0};
    text = str_trim(text);
    if (text.len > PHONE_TEXT_MAX)
        return false;
    text = whole_number(bare_number(text));
    if (str_starts(text, STR("%2B")) || str_starts(text, STR("%2b"))) { // escaped twice
        reading->plus = true;
        text = str_skip(text, 3);
    }
    while (text.len > 0) {
        if (reading->plus && reading->count > 0 && reading->count <= COUNTRY_CODE_MAX &&
            str_starts(text, STR("(0)"))) {
            text = str_skip(text, 3);
            continue;
        }
        uint32_t character = character_take(&text);
        if (digit_is(character, &digit)) {
            if (reading->count == DIGITS_READ_MAX)
                return false;
            reading->digits[reading->count++] = digit;
        } else if (character == '+' || character == 0xFF0B) {
            if (reading->count > 0)
                return false;
            reading->plus = true;
        } else if (!is_filling(character)) {
            return false;
        }
    }
    return true;
}

// With code before the digits; false where the result is no number.
static bool international(struct str code, struct str digits, char out[PHONE_MAX], size_t *length)
{
    size_t count = code.len + digits.len;

    if (digits.len == 0 || count < NUMBER_DIGITS_MIN || count > DIGITS_MAX ||
        (code.len ? code : digits).ptr[0] == '0')
        return false;
    out[0] = '+';
    memcpy(out + 1, code.len ? code.ptr : digits.ptr, code.len);
    memcpy(out + 1 + code.len, digits.ptr, digits.len);
    *length = 1 + count;
    return true;
}

// Can ten digits be a number of another country with its code in front? Not if that country's
// numbers are longer.
static bool may_be_foreign(struct str digits)
{
    // Countries that are not in the table above.
    static const struct country others[] = {
        {.code = STR_INIT("30"), .minimum = 10}, // Greece
        {.code = STR_INIT("34"), .minimum = 9},  // Spain
        {.code = STR_INIT("48"), .minimum = 9},  // Poland
        {.code = STR_INIT("52"), .minimum = 10}, // Mexico
        {.code = STR_INIT("54"), .minimum = 10}, // Argentina
        {.code = STR_INIT("55"), .minimum = 10}, // Brazil
        {.code = STR_INIT("56"), .minimum = 9},  // Chile
        {.code = STR_INIT("57"), .minimum = 10}, // Colombia
        {.code = STR_INIT("58"), .minimum = 10}, // Venezuela
        {.code = STR_INIT("7"), .minimum = 10},  // Russia and Kazakhstan
    };

    for (size_t i = 0; i < COUNT_OF(countries) + COUNT_OF(others); i++) {
        const struct country *country =
            i < COUNT_OF(countries) ? &countries[i] : &others[i - COUNT_OF(countries)];
        if (str_starts(digits, country->code) && country->code.len + country->minimum > digits.len)
            return false;
    }
    return true;
}

static bool is_north_american(struct str digits)
{
    // Neither area nor exchange begin with 0 or 1.
    return digits.len == 10 && digits.ptr[0] >= '2' &&
           (digits.ptr[3] >= '2' || !may_be_foreign(digits));
}

static bool national(struct str digits, const struct country *home, char out[PHONE_MAX],
                     size_t *length)
{
    if (!home)
        return false;
    if (home->zero && digits.ptr[0] == '0')
        digits = str_skip(digits, 1);
    else if (home->zero || !is_north_american(digits))
        return false;
    return digits.len >= home->minimum && digits.len <= home->maximum && digits.ptr[0] != '0' &&
           international(home->code, digits, out, length);
}

// Reads an international number behind its exit code; false where there is none.
static bool after_exit(struct str digits, struct str prefix, char out[PHONE_MAX], size_t *length)
{
    return str_starts(digits, prefix) &&
           international(STR(""), str_skip(digits, prefix.len), out, length);
}

static bool number_spell(struct str text, const struct country *home, char out[PHONE_MAX],
                         size_t *length)
{
    struct phone_reading reading;

    if (!digits_read(text, &reading) || reading.count < DIGITS_MIN)
        return false;
    struct str digits = str_make(reading.digits, reading.count);
    if (reading.count <= SHORT_CODE_DIGITS_MAX || digits.ptr[0] == '0') {
        // No country code begins with 0.
        if ((home && after_exit(digits, home->exit, out, length)) ||
            after_exit(digits, STR("00"), out, length) ||
            (digits.len > SHORT_CODE_DIGITS_MAX && national(digits, home, out, length)))
            return true;
        if (digits.len > DIGITS_MAX)
            return false;
        memcpy(out, digits.ptr, digits.len);
        *length = digits.len;
        return true;
    }
    return (!reading.plus && national(digits, home, out, length)) ||
           international(STR(""), digits, out, length);
}

bool phone_normalize(struct str text, char out[PHONE_MAX], size_t *length)
{
    return number_spell(text, NULL, out, length);
}

bool sender_normalize(struct str text, struct str home, char out[SENDER_MAX], size_t *length)
{
    static const struct str replacement = STR_INIT("\xEF\xBF\xBD"); // U+FFFD
    struct str name = str_trim(text);
    size_t fault, made = 0;

    if (number_spell(text, country_of(home), out, length))
        return true;
    if (name.len == 0 || !str_is_utf8(name, &fault))
        return false;
    while (name.len > 0) {
        struct str one = name;
        uint32_t character = character_take(&name);
        one.len -= name.len;
        if (character < ' ' || (character >= 0x7F && character < 0xA0))
            one = replacement;
        if (made + one.len > SENDER_MAX)
            return false;
        memcpy(out + made, one.ptr, one.len);
        made += one.len;
    }
    *length = made;
    return true;
}

_Static_assert(COUNT_OF(countries) < SENDER_MEANINGS_MAX, "each country may add a meaning");

size_t sender_meanings(struct str text, struct sender_meaning meanings[SENDER_MEANINGS_MAX])
{
    struct sender_meaning *anywhere = &meanings[0], *one;
    size_t count = 1;

    anywhere->code = STR_ABSENT;
    if (!sender_normalize(text, STR_ABSENT, anywhere->text, &anywhere->length))
        return 0;
    for (size_t i = 0; i < COUNT_OF(countries); i++) {
        one = &meanings[count];
        one->code = countries[i].code;
        if (number_spell(text, &countries[i], one->text, &one->length) &&
            !str_equal(str_make(one->text, one->length),
                       str_make(anywhere->text, anywhere->length)))
            count++;
    }
    return count;
}
