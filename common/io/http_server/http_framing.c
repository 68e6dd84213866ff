// http_framing: RFC 9112, read strictly.
#include "io/http_server/http_framing.h"

enum { CONTENT_LENGTH_DIGITS_LIMIT = 15 };

// Headers of which a request has one line at most; those that frame it are looked at one by one.
static const struct str singles[] = {
    STR_INIT("authorization"),
    STR_INIT("content-encoding"),
    STR_INIT("content-type"),
    STR_INIT("cookie"),
    STR_INIT("idempotency-key"),
    STR_INIT("last-event-id"),
    STR_INIT("origin"),
    STR_INIT("webhook-id"),
    STR_INIT("webhook-signature"),
    STR_INIT("webhook-timestamp"),
    STR_INIT("x-api-key"),
    STR_INIT("x-ccid"),
    STR_INIT("x-csrf-token"),
    STR_INIT("x-hub-signature"),
    STR_INIT("x-hub-signature-256"),
};

struct head_reading {
    struct http_head head;
    struct str authority; // of a target that is a URL; absent otherwise
    struct str host;      // absent until its header has come
    bool is_http_1_1, is_https;
    bool has_content_length;
    uint32_t singles_seen; // a bit each
};
_Static_assert(COUNT_OF(singles) <= 32, "singles_seen has a bit for each");

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

bool http_is_token_byte(char character)
{
    unsigned char byte = (unsigned char)character, lower = byte | 0x20;

    if ((lower >= 'a' && lower <= 'z') || (byte >= '0' && byte <= '9'))
        return true;
    return byte && strchr("!#$%&'*+-.^_`|~", byte);
}

static bool is_token(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!http_is_token_byte(text.ptr[i]))
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

static bool is_host(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (strchr(" \t,/\\@?#<>\"", text.ptr[i]))
            return false;
    return true;
}

static const struct str http_scheme = STR_INIT("http://"), https_scheme = STR_INIT("https://");

bool http_target_cut(struct str target, struct http_target *cut)
{
    struct str scheme = str_starts_ignoring_case(target, http_scheme)    ? http_scheme
                        : str_starts_ignoring_case(target, https_scheme) ? https_scheme
                                                                         : STR("");

    *cut = (struct http_target){0};
    if (scheme.len > 0) {
        size_t end = scheme.len;
        while (end < target.len && target.ptr[end] != '/' && target.ptr[end] != '?')
            end++;
        cut->authority = str_make(target.ptr + scheme.len, end - scheme.len);
        if (cut->authority.len == 0 || !is_host(cut->authority))
            return false;
        target = str_skip(target, end);
    } else if (!str_starts(target, STR("/"))) {
        return false;
    }
    str_cut(target, '?', &cut->path, &cut->query);
    if (cut->path.len == 0)
        cut->path = STR("/");
    return true;
}

static bool request_line_check(struct str line, struct head_reading *reading, struct err *err)
{
    struct str method, target, version;
    struct http_target cut;

    if (!str_cut(line, ' ', &method, &line) || !str_cut(line, ' ', &target, &version))
        return bad(err, "the request line is method, path and version with one blank between");
    if (!is_token(method) || method.len > 32)
        return bad(err, "the method is not a token");
    if (target.len > HTTP_TARGET_LIMIT)
        return err_set(err, ERR_HEADERS_TOO_LARGE, "the path is longer than %d bytes",
                       HTTP_TARGET_LIMIT);
    if (!http_target_cut(target, &cut) || memchr(target.ptr, '\t', target.len))
        return bad(err, "the request's target is a path that begins with /, or a URL");
    reading->authority = cut.authority;
    reading->is_https = str_starts_ignoring_case(target, https_scheme);
    reading->is_http_1_1 = str_equal(version, STR("HTTP/1.1"));
    if (!reading->is_http_1_1 && !str_equal(version, STR("HTTP/1.0")))
        return bad(err, "the version is neither HTTP/1.1 nor HTTP/1.0");
    return true;
}

static bool host_check(struct str value, struct head_reading *reading, struct err *err)
{
    if (str_present(reading->host))
        return bad(err, "more than one Host header");
    reading->host = value;
    return is_host(value) || bad(err, "the Host header is not a host");
}

// Without the port that the scheme implies.
static struct str bare_host(struct str host, bool is_https)
{
    struct str port = is_https ? STR(":443") : STR(":80");

    if (host.len > port.len && str_equal(str_skip(host, host.len - port.len), port))
        host.len -= port.len;
    return host;
}

// The Host header and the URL must name the same host, because readers may use either.
static bool host_is_the_targets(const struct head_reading *reading, struct err *err)
{
    if (!str_present(reading->authority) || !str_present(reading->host))
        return true;
    return str_equal_ignoring_case(bare_host(reading->authority, reading->is_https),
                                   bare_host(reading->host, reading->is_https)) ||
           bad(err, "the Host header is not the host of the request's target");
}

static bool expect_check(struct str name, struct str value, struct head_reading *reading,
                         struct err *err)
{
    if (str_present(reading->head.expect_name))
        return bad(err, "more than one Expect header");
    reading->head.expect_name = name;
    return str_equal_ignoring_case(value, STR("100-continue")) ||
           bad(err, "the Expect header is not 100-continue");
}

static bool single_check(struct str name, struct head_reading *reading, struct err *err)
{
    for (size_t i = 0; i < COUNT_OF(singles); i++) {
        if (!str_equal_ignoring_case(name, singles[i]))
            continue;
        if (reading->singles_seen & 1U << i)
            return err_set(err, ERR_BAD_REQUEST, "more than one %s header", singles[i].ptr);
        reading->singles_seen |= 1U << i;
    }
    return true;
}

static bool content_length_check(struct str value, struct head_reading *reading, struct err *err)
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

static bool transfer_encoding_check(struct str name, struct str value, struct head_reading *reading,
                                    struct err *err)
{
    if (str_present(reading->head.coding_name))
        return bad(err, "more than one Transfer-Encoding header");
    reading->head.coding_name = name;
    if (!reading->is_http_1_1)
        return bad(err, "Transfer-Encoding needs HTTP/1.1");
    reading->head.chunked = str_equal_ignoring_case(value, STR("chunked"));
    return reading->head.chunked || bad(err, "Transfer-Encoding is not chunked");
}

static bool header_check(struct str line, struct head_reading *reading, struct err *err)
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
        return transfer_encoding_check(name, value, reading, err);
    if (str_equal_ignoring_case(name, STR("expect")))
        return expect_check(name, value, reading, err);
    return single_check(name, reading, err);
}

bool http_head_check(struct str head, struct http_head *found, struct err *err)
{
    struct head_reading reading = {.head = {.content_length = -1,
                                            .length_digits = STR_ABSENT,
                                            .expect_name = STR_ABSENT,
                                            .coding_name = STR_ABSENT}};
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
    if (reading.has_content_length && str_present(reading.head.coding_name))
        return bad(err, "Content-Length and Transfer-Encoding exclude each other");
    if (reading.is_http_1_1 && !str_present(reading.host))
        return bad(err, "HTTP/1.1 needs a Host header");
    if (!host_is_the_targets(&reading, err))
        return false;
    reading.head.wants_leave = reading.is_http_1_1 && str_present(reading.head.expect_name);
    *found = reading.head;
    return true;
}

struct http_glance http_head_glance(struct str head)
{
    struct http_glance glance = {0};
    struct http_target cut;
    struct str line, target, name, value;

    if (str_starts(head, STR("\r\n")))
        head = str_skip(head, 2);
    if (!str_cut(head, '\n', &line, &head) || !str_cut(line, ' ', &glance.method, &line))
        return (struct http_glance){0};
    str_cut(line, ' ', &target, &line);
    if (!http_target_cut(target, &cut))
        return (struct http_glance){0};
    glance.path = cut.path;
    while (str_cut(head, '\n', &line, &head) && str_cut(line, ':', &name, &value))
        if (str_equal_ignoring_case(name, STR("accept")))
            glance.accept = str_trim(value);
    return glance;
}
