// proof: see the header.
#include "gateway/bodies/proof.h"

#include "gateway/bodies/body_format.h"
#include "gateway/gateway.h"

#include "io/http_server/http_server.h"

void proof_begin(struct exchange *exchange, const struct caller *caller)
{
    struct http_request *http = exchange->http;

    if (!route_is_signed(exchange->match.route))
        return;
    // A header that comes twice is one value with a comma, which is no signature.
    exchange->proof = (struct proof){
        .is_demanded = !(caller->permissions & 1U << PERMISSION_UNSIGNED),
        .is_partial = http_query(http).len > 0,
        .hub_sha1 = http_header_lines(http, "x-hub-signature"),
        .hub_sha256 = http_header_lines(http, "x-hub-signature-256"),
        .id = http_header_lines(http, "webhook-id"),
        .timestamp = http_header_lines(http, "webhook-timestamp"),
        .standard = http_header_lines(http, "webhook-signature"),
    };
}

void proof_body(struct exchange *exchange, struct str body)
{
    if (proof_is_shown(&exchange->proof) && !exchange->proof.is_cut)
        exchange->proof.body = body.len == 0 ? STR("") : body;
}

void proof_stored(struct exchange *exchange, struct id upload, uint32_t bytes)
{
    enum body_encoding encoding = body_encoding(exchange);
    struct proof *proof = &exchange->proof;

    if (!proof_is_shown(proof) || bytes == 0)
        return;
    proof->is_cut = true;
    proof->stored = upload;
    proof->stored_bytes = bytes;
    proof->packing = encoding == ENCODING_GZIP      ? PROOF_GZIP
                     : encoding == ENCODING_DEFLATE ? PROOF_DEFLATE
                                                    : PROOF_PLAIN;
}
