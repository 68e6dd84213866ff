// proof: see the header.
#include "proof.h"

#include "gateway.h"

#include "io/http_server.h"

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

void proof_body(struct exchange *exchange, struct str body, struct str inflated)
{
    if (!proof_is_shown(&exchange->proof))
        return;
    if (body.len > PROOF_BODY_LIMIT)
        exchange->proof.is_cut = true;
    exchange->proof.body = exchange->proof.is_cut || body.len == 0 ? STR("") : body;
    exchange->proof.inflated = exchange->proof.is_cut ? STR_ABSENT : inflated;
}

void proof_keep(struct exchange *exchange, struct buf *bytes, struct str piece)
{
    if (piece.len == 0 || !proof_is_shown(&exchange->proof) || exchange->proof.is_cut)
        return;
    if (bytes->len + piece.len > PROOF_BODY_LIMIT) {
        exchange->proof.is_cut = true;
        return;
    }
    buf_str_append(bytes, piece);
}
