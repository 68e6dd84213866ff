// body_scan: two small state machines, one for each format, in front of one base64 decoder.
#include "wire/body/body_scan.h"

#include <inttypes.h>

void body_scan_init(struct body_scan *scan, enum body_scan_format format, struct id upload,
                    size_t rest_limit, body_take_fn *take, void *context)
{
    *scan = (struct body_scan){.format = format,
                               .upload = upload,
                               .rest_limit = rest_limit,
                               .take = take,
                               .context = context};
}

void body_scan_release(struct body_scan *scan)
{
    buf_release(&scan->rest);
    buf_release(&scan->decoded);
    buf_release(&scan->pair_name);
}

static const uint64_t DIGEST_BEGIN = 0xcbf29ce484222325, DIGEST_PRIME = 0x100000001b3;

// ---- a content's characters become bytes

static bool byte_take(struct body_scan *scan, unsigned char byte, struct err *err)
{
    buf_byte(&scan->decoded, byte);
    scan->stream_bytes++;
    scan->stream_digest = (scan->stream_digest ^ byte) * DIGEST_PRIME;
    return ++scan->bytes <= BODY_CONTENTS_BYTES ||
           err_set(err, ERR_TOO_LARGE, "the attachments are together more than %d bytes",
                   BODY_CONTENTS_BYTES);
}

// Neither the content nor its message may be lost because of this: from here on the bytes are
// stored as they come.
static void not_base64(struct body_scan *scan)
{
    scan->is_broken = true;
    scan->base64.in_prefix = false;
    scan->base64.prefix = UINT32_MAX;
}

static int sextet(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

// "data:image/png;base64," is passed over: "data" reads as base64, the colon does not.
static bool is_prefix(struct body_scan *scan, char c)
{
    struct base64 *base64 = &scan->base64;

    if (base64->in_prefix) {
        base64->in_prefix = c != ',';
        return true;
    }
    if (c != ':' || base64->prefix != 4)
        return false;
    *base64 = (struct base64){.in_prefix = true, .prefix = UINT32_MAX};
    buf_clear(&scan->decoded);
    scan->bytes -= scan->stream_bytes;
    scan->stream_bytes = 0;
    scan->stream_digest = DIGEST_BEGIN;
    return true;
}

static bool content_take(struct body_scan *scan, char c, struct err *err)
{
    static const char data[] = "data";
    struct base64 *base64 = &scan->base64;

    if (scan->is_broken)
        return byte_take(scan, (unsigned char)c, err);
    if (is_prefix(scan, c) || c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' ||
        c == '\b')
        return true;
    base64->is_padded = base64->is_padded || c == '=';
    if (c == '=')
        return true;
    int value = sextet(c);
    if (value < 0 || base64->is_padded) {
        not_base64(scan);
        return byte_take(scan, (unsigned char)c, err);
    }
    base64->prefix =
        base64->prefix < 4 && (c | 0x20) == data[base64->prefix] ? base64->prefix + 1 : UINT32_MAX;
    base64->bits = base64->bits << 6 | (unsigned)value;
    base64->bit_count += 6;
    if (base64->bit_count < 8)
        return true;
    base64->bit_count -= 8;
    return byte_take(scan, (unsigned char)(base64->bits >> base64->bit_count), err);
}

static bool content_begin(struct body_scan *scan, struct err *err)
{
    scan->state = SCAN_TAKEN;
    scan->is_escaped = scan->is_broken = false;
    scan->code_digits = 0;
    scan->base64 = (struct base64){0};
    scan->stream_bytes = 0;
    scan->stream_digest = DIGEST_BEGIN;
    return ++scan->stream <= BODY_CONTENTS ||
           err_set(err, ERR_TOO_LARGE, "more than %d large attachments", BODY_CONTENTS);
}

static void decoded_give(struct body_scan *scan)
{
    if (scan->decoded.len > 0)
        scan->take(scan->context, scan->stream, buf_str(&scan->decoded));
    buf_clear(&scan->decoded);
}

static void content_end(struct body_scan *scan)
{
    if (scan->base64.bit_count == 6 || scan->base64.in_prefix)
        not_base64(scan);
    decoded_give(scan);
}

// Many short contents must not fill the rest.
static size_t taken_over(const struct body_scan *scan)
{
    return scan->begin < BODY_CROWDED ? BODY_TAKE_OVER : BODY_TAKE_OVER_CROWDED;
}

// ---- JSON

static void reference_put(struct body_scan *scan)
{
    char upload[ID_TEXT_LENGTH + 1];

    id_text(scan->upload, upload);
    buf_printf(&scan->rest,
               "{\"upload\":\"%s\",\"stream\":%u,\"bytes\":%u,\"digest\":\"%016" PRIx64 "\"%s}",
               upload, scan->stream, scan->stream_bytes, scan->stream_digest,
               scan->is_broken ? ",\"broken\":true" : "");
}

static int hex_digit(char c)
{
    int lower = c | 0x20;

    if (c >= '0' && c <= '9')
        return c - '0';
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// The character of \uHHHH beyond ASCII, in UTF-8.
static bool code_take(struct body_scan *scan, unsigned code, struct err *err)
{
    not_base64(scan);
    if (code < 0x800)
        return byte_take(scan, (unsigned char)(0xC0 | code >> 6), err) &&
               byte_take(scan, (unsigned char)(0x80 | (code & 0x3F)), err);
    return byte_take(scan, (unsigned char)(0xE0 | code >> 12), err) &&
           byte_take(scan, (unsigned char)(0x80 | (code >> 6 & 0x3F)), err) &&
           byte_take(scan, (unsigned char)(0x80 | (code & 0x3F)), err);
}

// A line break inside base64 is ignored; elsewhere it is kept.
static char escape_meaning(const struct body_scan *scan, char c)
{
    static const char letters[] = "bfnrt", meanings[] = "\b\f\n\r\t";
    const char *found = c ? strchr(letters, c) : NULL;

    return !found ? c : scan->is_broken ? meanings[found - letters] : ' ';
}

static bool json_content_take(struct body_scan *scan, char c, struct err *err)
{
    if (scan->code_digits > 0 && hex_digit(c) < 0) {
        scan->code_digits = 0; // c may end the text
        not_base64(scan);
    }
    if (scan->code_digits > 0) {
        scan->code = scan->code << 4 | (unsigned)hex_digit(c);
        if (--scan->code_digits > 0)
            return true;
        return scan->code < 0x80 ? content_take(scan, (char)scan->code, err)
                                 : code_take(scan, scan->code, err);
    }
    if (scan->is_escaped) {
        scan->is_escaped = false;
        scan->code = 0;
        scan->code_digits = c == 'u' ? 4 : 0;
        return c == 'u' || content_take(scan, escape_meaning(scan, c), err);
    }
    if (c == '\\') {
        scan->is_escaped = true;
        return true;
    }
    if (c != '"')
        return content_take(scan, c, err);
    content_end(scan);
    reference_put(scan);
    scan->state = SCAN_PLAIN;
    scan->before = '"';
    return true;
}

static bool json_text_take(struct body_scan *scan, char c, struct err *err)
{
    struct buf *rest = &scan->rest;

    buf_byte(rest, (unsigned char)c);
    if (scan->is_escaped) {
        scan->is_escaped = false;
    } else if (c == '\\') {
        scan->is_escaped = true;
    } else if (c == '"') {
        scan->state = SCAN_PLAIN;
        scan->before = '"';
        scan->name_len = rest->len - scan->begin - 2;
        if (scan->name_len <= sizeof scan->name)
            memcpy(scan->name, rest->data + scan->begin + 1, scan->name_len);
        return true;
    }
    if (!scan->is_content || rest->len - scan->begin <= taken_over(scan))
        return true;
    // From its beginning, so that the other state machine sees each escape completely.
    size_t end = rest->len;
    rest->len = scan->begin;
    if (!content_begin(scan, err))
        return false;
    for (size_t i = scan->begin + 1; i < end; i++)
        if (!json_content_take(scan, rest->data[i], err))
            return false;
    return true;
}

static bool is_content_name(struct str name)
{
    return str_equal(name, STR("content"));
}

static bool json_take(struct body_scan *scan, char c, struct err *err)
{
    switch (scan->state) {
    case SCAN_TAKEN: return json_content_take(scan, c, err);
    case SCAN_TEXT: return json_text_take(scan, c, err);
    case SCAN_PLAIN: break;
    }
    buf_byte(&scan->rest, (unsigned char)c);
    if (c == '"') {
        scan->state = SCAN_TEXT;
        scan->begin = scan->rest.len - 1;
        scan->is_content = scan->before == ':' && scan->name_len <= sizeof scan->name &&
                           is_content_name(str_make(scan->name, scan->name_len));
    } else if (c != ' ' && c != '\t' && c != '\r' && c != '\n') {
        scan->before = c;
    }
    return true;
}

// ---- forms

static bool is_letter(char c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

// "attachments[0].content", "attachments%5B0%5D%5Bcontent%5D", …
static bool is_content_path(struct str path)
{
    size_t end = path.len, begin;

    if (end > 0 && path.ptr[end - 1] == ']')
        end -= 1;
    else if (end > 2 && str_equal_ignoring_case(str_skip(path, end - 3), STR("%5D")))
        end -= 3;
    for (begin = end; begin > 0 && is_letter(path.ptr[begin - 1]);)
        begin--;
    // The B of "%5Bcontent" is a letter, too.
    struct str last = str_make(path.ptr + begin, end - begin);
    if (begin > 1 && path.ptr[begin - 1] == '5' && path.ptr[begin - 2] == '%' && last.len > 0)
        last = str_skip(last, 1);
    return is_content_name(last);
}

static void pair_reference_put(struct body_scan *scan)
{
    struct str name = buf_str(&scan->pair_name);
    char upload[ID_TEXT_LENGTH + 1];

    id_text(scan->upload, upload);
    buf_printf(&scan->rest,
               "%.*s[upload]=%s&%.*s[stream]=%u&%.*s[bytes]=%u&%.*s[digest]=%016" PRIx64,
               STR_ARG(name), upload, STR_ARG(name), scan->stream, STR_ARG(name),
               scan->stream_bytes, STR_ARG(name), scan->stream_digest);
    if (scan->is_broken)
        buf_printf(&scan->rest, "&%.*s[broken]=1", STR_ARG(name));
}

static void pair_end(struct body_scan *scan)
{
    bool is_taken = scan->state == SCAN_TAKEN;

    scan->state = SCAN_PLAIN;
    if (!is_taken)
        return;
    if (scan->code_digits > 0)
        not_base64(scan);
    content_end(scan);
    pair_reference_put(scan);
}

static bool form_content_take(struct body_scan *scan, char c, struct err *err)
{
    if (scan->code_digits > 0) {
        int digit = hex_digit(c);
        if (digit < 0) {
            scan->code_digits = 0;
            not_base64(scan);
            return content_take(scan, c, err);
        }
        scan->code = scan->code << 4 | (unsigned)digit;
        return --scan->code_digits > 0 || content_take(scan, (char)scan->code, err);
    }
    if (c == '%') {
        scan->code = 0;
        scan->code_digits = 2;
        return true;
    }
    return content_take(scan, c, err); // a raw "+" is meant as it stands
}

static bool form_take(struct body_scan *scan, char c, struct err *err)
{
    struct buf *rest = &scan->rest;

    if (c == '&') {
        pair_end(scan);
        buf_byte(rest, '&');
        scan->begin = rest->len;
        return true;
    }
    if (scan->state == SCAN_TAKEN)
        return form_content_take(scan, c, err);
    buf_byte(rest, (unsigned char)c);
    if (scan->state == SCAN_PLAIN && c == '=') {
        struct str name = str_make(rest->data + scan->begin, rest->len - 1 - scan->begin);
        scan->state = SCAN_TEXT;
        scan->value_begin = rest->len;
        scan->is_content = name.len <= 256 && is_content_path(name);
        buf_clear(&scan->pair_name);
        if (scan->is_content)
            buf_str_append(&scan->pair_name, name);
    }
    if (scan->state != SCAN_TEXT || !scan->is_content ||
        rest->len - scan->value_begin <= taken_over(scan))
        return true;
    size_t end = rest->len;
    rest->len = scan->begin;
    if (!content_begin(scan, err))
        return false;
    for (size_t i = scan->value_begin; i < end; i++)
        if (!form_content_take(scan, rest->data[i], err))
            return false;
    return true;
}

// ---- both

static bool rest_check(const struct body_scan *scan, struct err *err)
{
    return scan->rest.len <= scan->rest_limit ||
           err_set(err, ERR_TOO_LARGE, "the body without its attachments is longer than %zu bytes",
                   scan->rest_limit);
}

bool body_scan_feed(struct body_scan *scan, struct str bytes, struct err *err)
{
    if (scan->format == BODY_SCAN_NOTHING)
        buf_str_append(&scan->rest, bytes);
    else
        for (size_t i = 0; i < bytes.len; i++)
            if (!(scan->format == BODY_SCAN_JSON ? json_take : form_take)(scan, bytes.ptr[i], err))
                return false;
    if (scan->state == SCAN_TAKEN && scan->base64.prefix > 4) // surely no prefix
        decoded_give(scan);
    return rest_check(scan, err);
}

bool body_scan_end(struct body_scan *scan, struct err *err)
{
    if (scan->format == BODY_SCAN_JSON && scan->state == SCAN_TAKEN)
        return err_set(err, ERR_BAD_REQUEST, "JSON: the body ends within a string");
    if (scan->format == BODY_SCAN_FORM)
        pair_end(scan);
    return rest_check(scan, err);
}
