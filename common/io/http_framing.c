// http_framing: RFC 9112, read strictly.
#include "io/http_framing.h"

enum { CONTENT_LENGTH_DIGITS_LIMIT = 15 };

struct reading {
    struct http_head head;
    bool is_http_1_1;
    bool has_host, has_content_length, has_transfer_encoding;
};

size_t http_head_end(struct str received, size_t seen)
{
    // An end that began in the bytes seen before: at most "\n\r" of them.
    size_t from = seen > 2 ? seen - 2 : 0;

    while (from < received.len) {
        const char *line_feed = memchr(received.ptr + from, '\n', received.len - from);
        if (!line_feed)
            return 0;
        from = (size_t)(line_feed - received.ptr) + 1;
        struct str rest = str_skip(received, from);
        if (str_starts(rest, STR("\n")))
            return from + 1;
        if (str_starts(rest, STR("\r\n")))
            return from + 2;
    }
    return 0;
}

static bool bad(struct err *err, const char *rule)
{
    return err_set(err, ERR_BAD_REQUEST, "%s", rule);
}

static bool is_token_byte(unsigned char byte)
{
    unsigned char lower = byte | 0x20;

    if ((lower >= 'a' && lower <= 'z') || (byte >= '0' && byte <= '9'))
        return true;
    return byte && strchr("!#$%&'*+-.^_`|~", byte);
}

static bool is_token(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_token_byte((unsigned char)text.ptr[i]))
            return false;
    return text.len > 0;
}

// Takes one line off the front, without its CRLF. Inside a line no control character but the tab.
static bool line_take(struct str *rest, struct str *line, struct err *err)
{
    const char *line_feed = memchr(rest->ptr, '\n', rest->len);
    size_t len = line_feed ? (size_t)(line_feed - rest->ptr) : 0;
    unsigned controls = 0;

    if (len == 0 || rest->ptr[len - 1] != '\r')
        return bad(err, "every line of the head ends in CR LF");
    *line = str_make(rest->ptr, len - 1);
    *rest = str_skip(*rest, len + 1);
    for (size_t i = 0; i < line->len; i++) {
        unsigned char byte = (unsigned char)line->ptr[i];
        controls |= (byte < 0x20 && byte != '\t') || byte == 0x7f;
    }
    return !controls || bad(err, "the head holds a control character");
}

static bool request_line_check(struct str line, struct reading *reading, struct err *err)
{
    struct str method, target, version;

    if (!str_cut(line, ' ', &method, &line) || !str_cut(line, ' ', &target, &version))
        return bad(err, "the request line is method, path and version with one blank between");
    if (!is_token(method) || method.len > 32)
        return bad(err, "the method is not a token");
    if (target.len > HTTP_TARGET_LIMIT)
        return err_set(err, ERR_HEADERS_TOO_LARGE, "the path is longer than %d bytes",
                       HTTP_TARGET_LIMIT);
    if (!str_starts(target, STR("/")) || memchr(target.ptr, '\t', target.len))
        return bad(err, "the request's target is a path that begins with /");
    reading->is_http_1_1 = str_equal(version, STR("HTTP/1.1"));
    if (!reading->is_http_1_1 && !str_equal(version, STR("HTTP/1.0")))
        return bad(err, "the version is neither HTTP/1.1 nor HTTP/1.0");
    return true;
}

static bool host_check(struct str value, struct reading *reading, struct err *err)
{
    if (reading->has_host)
        return bad(err, "more than one Host header");
    reading->has_host = true;
    for (size_t i = 0; i < value.len; i++)
        if (strchr(" \t,/\\@?#<>\"", value.ptr[i]))
            return bad(err, "the Host header is not a host");
    return true;
}

static bool content_length_check(struct str value, struct reading *reading, struct err *err)
{
    if (reading->has_content_length)
        return bad(err, "more than one Content-Length header");
    reading->has_content_length = true;
    if (value.len == 0 || value.len > CONTENT_LENGTH_DIGITS_LIMIT || value.ptr[0] == '-' ||
        !str_to_int(value, 0, INT64_MAX, &reading->head.content_length))
        return bad(err, "Content-Length is not a whole number");
    reading->head.length_digits = value;
    return true;
}

static bool transfer_encoding_check(struct str value, struct reading *reading, struct err *err)
{
    if (reading->has_transfer_encoding)
        return bad(err, "more than one Transfer-Encoding header");
    reading->has_transfer_encoding = true;
    if (!reading->is_http_1_1)
        return bad(err, "Transfer-Encoding needs HTTP/1.1");
    reading->head.chunked = str_equal_ignoring_case(value, STR("chunked"));
    return reading->head.chunked || bad(err, "Transfer-Encoding is not chunked");
}

static bool header_check(struct str line, struct reading *reading, struct err *err)
{
    struct str name, value;

    if (line.ptr[0] == ' ' || line.ptr[0] == '\t')
        return bad(err, "folded header lines are not accepted");
    if (!str_cut(line, ':', &name, &value) || !is_token(name))
        return bad(err, "a header line is a name, a colon at once and a value");
    value = str_trim(value);
    if (str_equal_ignoring_case(name, STR("host")))
        return host_check(value, reading, err);
    if (str_equal_ignoring_case(name, STR("content-length")))
        return content_length_check(value, reading, err);
    if (str_equal_ignoring_case(name, STR("transfer-encoding")))
        return transfer_encoding_check(value, reading, err);
    if (str_equal_ignoring_case(name, STR("expect")))
        reading->head.expect_name = name;
    return true;
}

bool http_head_check(struct str head, struct http_head *found, struct err *err)
{
    struct reading reading = {
        .head = {.content_length = -1, .length_digits = STR_ABSENT, .expect_name = STR_ABSENT}};
    struct str rest = head, line;
    size_t lines = 0;

    if (head.len > HTTP_HEAD_LIMIT)
        return err_set(err, ERR_HEADERS_TOO_LARGE, "the head is longer than %d bytes",
                       HTTP_HEAD_LIMIT);
    if (str_starts(rest, STR("\r\n"))) // RFC 9112 2.2: some clients send one after a body
        rest = str_skip(rest, 2);
    if (!line_take(&rest, &line, err) || !request_line_check(line, &reading, err))
        return false;
    for (;;) {
        if (!line_take(&rest, &line, err))
            return false;
        if (line.len == 0)
            break;
        if (++lines > HTTP_HEADER_LINES_LIMIT)
            return err_set(err, ERR_HEADERS_TOO_LARGE, "more than %d header lines",
                           HTTP_HEADER_LINES_LIMIT);
        if (!header_check(line, &reading, err))
            return false;
    }
    if (reading.has_content_length && reading.has_transfer_encoding)
        return bad(err, "Content-Length and Transfer-Encoding exclude each other");
    if (reading.is_http_1_1 && !reading.has_host)
        return bad(err, "HTTP/1.1 needs a Host header");
    *found = reading.head;
    return true;
}
