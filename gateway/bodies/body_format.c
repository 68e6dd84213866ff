// body_format: see the header.
#include "gateway/bodies/body_format.h"

#include "gateway/gateway.h"

#include "io/http_server/http_server.h"

enum { CONTENTS_BODY = 8 * 1024 * 1024 }; // 5 MiB in base64, in lines and escaped

static struct str media_type(const struct exchange *exchange)
{
    struct str type = http_header(exchange->http, "content-type"), parameters;

    if (!str_present(type))
        return type;
    str_cut(type, ';', &type, &parameters);
    return str_trim(type);
}

// Contents are taken out of bodies whose message can carry them.
enum body_scan_format body_format(const struct exchange *exchange)
{
    struct str type = media_type(exchange);

    if (exchange->match.route->message != MSG_SMS_INBOUND)
        return BODY_SCAN_NOTHING;
    if (str_equal_ignoring_case(type, STR("application/json")))
        return BODY_SCAN_JSON;
    if (str_equal_ignoring_case(type, STR("application/x-www-form-urlencoded")))
        return BODY_SCAN_FORM;
    return BODY_SCAN_NOTHING;
}

enum body_encoding body_encoding(const struct exchange *exchange)
{
    struct str encoding = http_header(exchange->http, "content-encoding");

    if (encoding.len == 0 || str_equal_ignoring_case(encoding, STR("identity")))
        return ENCODING_NONE;
    if (str_equal_ignoring_case(encoding, STR("deflate")))
        return ENCODING_DEFLATE;
    if (str_equal_ignoring_case(encoding, STR("gzip")) ||
        str_equal_ignoring_case(encoding, STR("x-gzip")))
        return ENCODING_GZIP;
    return ENCODING_UNKNOWN;
}

int64_t body_limit(const struct exchange *exchange)
{
    return body_format(exchange) == BODY_SCAN_NOTHING ? exchange->gateway->config->http_body_limit
                                                      : CONTENTS_BODY;
}

bool body_too_large(int64_t limit, struct err *err)
{
    return err_set(err, ERR_TOO_LARGE, "the body is longer than %lld bytes", (long long)limit);
}
