// charset: UTF-8, UTF-16 and windows-1252 are read here, the others by iconv.
#include "text/charset.h"

#include <iconv.h>
#include <stdint.h>

#define REPLACEMENT "\xEF\xBF\xBD" // U+FFFD

struct charset {
    enum { UTF_8, UTF_16, UTF_16LE, UTF_16BE, WINDOWS_1252, BY_ICONV } kind;
    const char *iconv_name;
    const char *names; // in lower case, without punctuation
};

// Not all encodings of iconv: clients choose the name, and some of its decoders are stateful or had
// defects that hang or abort.
static const struct charset charsets[] = {
    {UTF_8, NULL, "utf8|unicode11utf8|cp65001"},
    {UTF_16, NULL, "utf16|ucs2|iso10646ucs2|unicode"},
    {UTF_16LE, NULL, "utf16le|ucs2le"},
    {UTF_16BE, NULL, "utf16be|ucs2be"},
    {WINDOWS_1252, NULL,
     "windows1252|cp1252|xcp1252|iso88591|iso885911987|isoir100|latin1|l1|cp819|ibm819|ansi"},
    {BY_ICONV, "ISO-8859-2", "iso88592|latin2|l2"},
    {BY_ICONV, "ISO-8859-3", "iso88593|latin3|l3"},
    {BY_ICONV, "ISO-8859-4", "iso88594|latin4|l4"},
    {BY_ICONV, "ISO-8859-5", "iso88595|cyrillic"},
    {BY_ICONV, "ISO-8859-6", "iso88596|arabic"},
    {BY_ICONV, "ISO-8859-7", "iso88597|greek"},
    {BY_ICONV, "ISO-8859-8", "iso88598|iso88598i|hebrew"},
    {BY_ICONV, "ISO-8859-9", "iso88599|latin5|l5"},
    {BY_ICONV, "ISO-8859-10", "iso885910|latin6|l6"},
    {BY_ICONV, "ISO-8859-13", "iso885913|latin7"},
    {BY_ICONV, "ISO-8859-14", "iso885914|latin8"},
    {BY_ICONV, "ISO-8859-15", "iso885915|latin9"},
    {BY_ICONV, "ISO-8859-16", "iso885916|latin10"},
    {BY_ICONV, "CP1250", "windows1250|cp1250"},
    {BY_ICONV, "CP1251", "windows1251|cp1251"},
    {BY_ICONV, "CP1253", "windows1253|cp1253"},
    {BY_ICONV, "CP1254", "windows1254|cp1254"},
    {BY_ICONV, "CP1255", "windows1255|cp1255"},
    {BY_ICONV, "CP1256", "windows1256|cp1256"},
    {BY_ICONV, "CP1257", "windows1257|cp1257"},
    {BY_ICONV, "CP1258", "windows1258|cp1258"},
    {BY_ICONV, "CP874", "windows874|cp874|tis620|iso885911"},
    {BY_ICONV, "CP850", "cp850|ibm850"},
    {BY_ICONV, "CP437", "cp437|ibm437"},
    {BY_ICONV, "KOI8-R", "koi8r|koi8"},
    {BY_ICONV, "KOI8-U", "koi8u"},
    {BY_ICONV, "MACINTOSH", "macintosh|macroman|xmacroman"},
    {BY_ICONV, "UTF-32LE", "utf32le|ucs4le"},
    {BY_ICONV, "UTF-32BE", "utf32be|utf32|ucs4|iso10646ucs4"},
    {BY_ICONV, "GB18030", "gb18030|gbk|gb2312|cp936|euccn"},
    {BY_ICONV, "BIG5", "big5|cp950"},
    {BY_ICONV, "CP932", "shiftjis|sjis|windows31j|cp932|mskanji"},
    {BY_ICONV, "EUC-JP", "eucjp"},
    {BY_ICONV, "CP949", "euckr|ksc5601|cp949|windows949"},
};

const struct charset *charset_find(struct str name)
{
    char plain[32];
    size_t length = 0;

    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool upper = c >= 'A' && c <= 'Z';
        if (!upper && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9'))
            continue;
        if (length == sizeof plain)
            return NULL;
        plain[length++] = (char)(upper ? c + 32 : c);
    }
    for (size_t i = 0; i < COUNT_OF(charsets); i++) {
        struct str one, others = str_of(charsets[i].names);
        while (str_present(others)) {
            str_cut(others, '|', &one, &others);
            if (str_equal(one, str_make(plain, length)))
                return &charsets[i];
        }
    }
    return NULL;
}

const struct charset *charset_of_type(struct str content_type)
{
    const struct charset *charset = NULL;
    struct str parameter, name, value;

    while (str_present(content_type)) {
        str_cut(content_type, ';', &parameter, &content_type);
        if (str_cut(parameter, '=', &name, &value) &&
            str_equal_ignoring_case(str_trim(name), STR("charset")))
            charset = charset_find(value); // quotes are punctuation
    }
    return charset;
}

bool charset_is_utf8(const struct charset *charset)
{
    return charset && charset->kind == UTF_8;
}

bool charset_is_utf16(const struct charset *charset)
{
    return charset && charset->kind >= UTF_16 && charset->kind <= UTF_16BE;
}

static const struct charset *of_kind(int kind)
{
    size_t i = 0;
    while ((int)charsets[i].kind != kind)
        i++;
    return &charsets[i];
}

// Recognises UTF-32 by its byte order mark, or by a first character of which three bytes are zero.
static const struct charset *utf32_of_mark(struct str *bytes)
{
    static const char little[4] = "\xFF\xFE\0", big[4] = "\0\0\xFE\xFF";
    struct str first = str_make(bytes->ptr, 4);

    if (bytes->len < 4 || bytes->len % 4)
        return NULL;
    bool is_little = memcmp(first.ptr + 1, "\0\0", 3) == 0 && first.ptr[0];
    bool is_big = memcmp(first.ptr, "\0\0", 3) == 0 && first.ptr[3];
    bool marks_little = memcmp(first.ptr, little, sizeof little) == 0;
    bool marks_big = memcmp(first.ptr, big, sizeof big) == 0;
    if (marks_little || marks_big)
        *bytes = str_skip(*bytes, sizeof little);
    return is_little || marks_little ? charset_find(STR("utf-32le"))
           : is_big || marks_big     ? charset_find(STR("utf-32be"))
                                     : NULL;
}

const struct charset *charset_of_mark(struct str *bytes)
{
    static const struct {
        struct str mark;
        int kind;
    } marks[] = {{STR_INIT("\xEF\xBB\xBF"), UTF_8},
                 {STR_INIT("\xFF\xFE"), UTF_16LE},
                 {STR_INIT("\xFE\xFF"), UTF_16BE}};

    const struct charset *utf32 = utf32_of_mark(bytes);
    if (utf32)
        return utf32;
    for (size_t i = 0; i < COUNT_OF(marks); i++) {
        if (str_starts(*bytes, marks[i].mark)) {
            *bytes = str_skip(*bytes, marks[i].mark.len);
            return of_kind(marks[i].kind);
        }
    }
    if (bytes->len < 2 || bytes->len % 2 || !bytes->ptr[0] == !bytes->ptr[1])
        return NULL;
    return of_kind(bytes->ptr[0] ? UTF_16LE : UTF_16BE);
}

static void put(struct buf *out, uint32_t code)
{
    if (code < 0x80 && code > 0) {
        buf_byte(out, (unsigned char)code);
    } else if (code == 0 || (code >= 0xD800 && code <= 0xDFFF)) {
        buf_str_append(out, STR(REPLACEMENT));
    } else {
        int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
        unsigned lead = more == 1 ? 0xC0 : more == 2 ? 0xE0 : 0xF0;
        buf_byte(out, (unsigned char)(lead | code >> 6 * more));
        while (more-- > 0)
            buf_byte(out, (unsigned char)(0x80 | (code >> 6 * more & 0x3F)));
    }
}

// A surrogate at the front that was encoded in three bytes, as if it were a character; 0: none.
static uint32_t half_at(struct str bytes)
{
    const unsigned char *at = (const unsigned char *)bytes.ptr;

    if (bytes.len < 3 || at[0] != 0xED || at[1] < 0xA0 || at[1] > 0xBF || (at[2] & 0xC0) != 0x80)
        return 0;
    return 0xD000 | (uint32_t)(at[1] & 0x3F) << 6 | (at[2] & 0x3F);
}

// The character of a surrogate pair in six bytes, as old databases and Java write it (CESU-8); 0:
// none.
static uint32_t pair_at(struct str bytes)
{
    uint32_t high = half_at(bytes), low = high ? half_at(str_skip(bytes, 3)) : 0;

    return (high & 0xFC00) == 0xD800 && (low & 0xFC00) == 0xDC00
               ? 0x10000 + ((high & 0x3FF) << 10 | (low & 0x3FF))
               : 0;
}

// Each byte that belongs to no character becomes one U+FFFD; so does each half of a surrogate pair.
static void utf8_decode(struct str bytes, struct buf *out)
{
    size_t fault;

    while (!str_is_utf8(bytes, &fault)) {
        buf_append(out, bytes.ptr, fault);
        bytes = str_skip(bytes, fault);
        put(out, pair_at(bytes));
        bytes = str_skip(bytes, pair_at(bytes) ? 6 : half_at(bytes) ? 3 : 1);
    }
    buf_str_append(out, bytes);
}

static void windows_1252_decode(struct str bytes, struct buf *out)
{
    // 0x80 to 0x9F. Codes that it does not define are control characters, as in ISO 8859-1.
    static const uint16_t codes[32] = {
        0x20AC, 0x81,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
        0x2039, 0x0152, 0x8D,   0x017D, 0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
        0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,   0x017E, 0x0178};

    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char byte = (unsigned char)bytes.ptr[i];
        put(out, byte >= 0x80 && byte < 0xA0 ? codes[byte - 0x80] : byte);
    }
}

static uint32_t unit_at(struct str bytes, size_t at, bool little)
{
    unsigned first = (unsigned char)bytes.ptr[at], second = (unsigned char)bytes.ptr[at + 1];
    return little ? second << 8 | first : first << 8 | second;
}

// Without a byte order mark UTF-16 is big-endian (RFC 2781), unless ASCII at the front says
// otherwise.
static bool is_little(struct str *bytes, int kind)
{
    bool marked_little = str_starts(*bytes, STR("\xFF\xFE"));
    bool marked_big = str_starts(*bytes, STR("\xFE\xFF"));
    bool little =
        kind == UTF_16LE ||
        (kind == UTF_16 && !marked_big &&
         (marked_little || (bytes->len >= 2 && bytes->ptr[0] != 0 && bytes->ptr[1] == 0)));

    if (little ? marked_little : marked_big)
        *bytes = str_skip(*bytes, 2);
    return little;
}

static void utf16_decode(struct str bytes, int kind, struct buf *out)
{
    bool little = is_little(&bytes, kind);

    for (size_t i = 0; i + 1 < bytes.len; i += 2) {
        uint32_t code = unit_at(bytes, i, little);
        uint32_t low = i + 3 < bytes.len ? unit_at(bytes, i + 2, little) : 0;
        if ((code & 0xFC00) == 0xD800 && (low & 0xFC00) == 0xDC00) {
            code = 0x10000 + ((code & 0x3FF) << 10 | (low & 0x3FF));
            i += 2;
        }
        put(out, code);
    }
    if (bytes.len % 2)
        put(out, 0);
}

// Writes what the converter holds back: the last letter in windows-1255 and windows-1258, which a
// combining mark could follow. Afterwards it begins anew.
static void iconv_flush(iconv_t converter, struct buf *made)
{
    size_t room = 16;
    char *to = buf_reserve(made, room), *begin = to;

    iconv(converter, NULL, NULL, &to, &room);
    made->len += (size_t)(to - begin);
}

static void iconv_decode(const char *name, struct str bytes, struct buf *out)
{
    iconv_t converter = iconv_open("UTF-8", name);
    AUTO(buf) made = {0};
    char *in = (char *)(uintptr_t)bytes.ptr; // iconv() does not write there
    size_t left = bytes.len;

    if (converter == (iconv_t)-1) { // not installed here
        charset_decode(NULL, bytes, out);
        return;
    }
    while (left > 0) {
        size_t room = left * 4 + 16;
        char *to = buf_reserve(&made, room), *begin = to;
        size_t fault = iconv(converter, &in, &left, &to, &room);
        made.len += (size_t)(to - begin);
        if (fault == (size_t)-1 && left > 0 && room >= 8) { // for another reason than lack of room
            iconv_flush(converter, &made);
            buf_str_append(&made, STR(REPLACEMENT));
            in++;
            left--;
        }
    }
    iconv_flush(converter, &made);
    iconv_close(converter);
    utf8_decode(buf_str(&made), out); // a NUL may be in it
}

static bool holds_utf8(struct str bytes)
{
    size_t fault;

    for (size_t i = 0; i + 1 < bytes.len; i++) {
        unsigned char lead = (unsigned char)bytes.ptr[i];
        size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
        if (lead >= 0xC2 && i + length <= bytes.len &&
            (str_is_utf8(str_make(bytes.ptr + i, length), &fault) || pair_at(str_skip(bytes, i))))
            return true;
    }
    return false;
}

void charset_decode(const struct charset *charset, struct str bytes, struct buf *out)
{
    size_t fault;

    if (charset && charset->kind == BY_ICONV &&
        str_starts(str_of(charset->iconv_name), STR("UTF-32"))) {
        const struct charset *marked = utf32_of_mark(&bytes);
        charset = marked ? marked : charset;
    }
    if (!charset && str_is_utf8(bytes, &fault)) {
        buf_str_append(out, bytes);
        return;
    }
    switch (charset ? charset->kind : holds_utf8(bytes) ? UTF_8 : WINDOWS_1252) {
    case UTF_8: utf8_decode(bytes, out); break;
    case UTF_16:
    case UTF_16LE:
    case UTF_16BE: utf16_decode(bytes, (int)charset->kind, out); break;
    case WINDOWS_1252: windows_1252_decode(bytes, out); break;
    case BY_ICONV: iconv_decode(charset->iconv_name, bytes, out); break;
    }
}
