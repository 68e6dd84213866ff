// answer_body: see the header.
#include "gateway/answer_body.h"

void body_render_data(struct buf *out, enum route_envelope envelope, struct str data,
                      struct id operation)
{
    if (data.len == 0)
        data = STR("null");
    if (envelope == ENVELOPE_E3) {
        buf_str_append(out, data);
        return;
    }
    json_open(out, '{');
    if (envelope == ENVELOPE_E2)
        json_key_id(out, "operationId", operation);
    json_key_raw(out, "status",
                 envelope == ENVELOPE_E2 ? STR("{\"code\":\"SUCCESS\"}") : STR("{\"code\":0}"));
    json_key_raw(out, "data", data);
    if (envelope == ENVELOPE_E1)
        json_key_id(out, "operationId", operation);
    json_close(out, '}');
}

void body_render_error(struct buf *out, enum route_envelope envelope, enum err_code code,
                       struct str text, struct id operation)
{
    json_open(out, '{');
    json_key(out, "status");
    json_open(out, '{');
    if (envelope == ENVELOPE_E1)
        json_key_int(out, "code", err_http_status(code));
    else
        json_key_str(out, "code", err_symbolic(code));
    json_key_str(out, "message", text);
    json_close(out, '}');
    json_key_id(out, "operationId", operation);
    json_close(out, '}');
}

void body_render_problem(struct buf *out, enum err_code code, struct str text, struct str path,
                         struct id operation)
{
    json_open(out, '{');
    json_key(out, "type");
    buf_str_append(out, STR("\"urn:nexus:error:"));
    buf_str_append(out, err_name(code));
    buf_byte(out, '"');
    json_key_str(out, "title", err_title(code));
    json_key_int(out, "status", err_http_status(code));
    json_key_str(out, "detail", text);
    if (path.len)
        json_key_str(out, "instance", path);
    json_key_str(out, "code", err_name(code));
    json_key_id(out, "operationId", operation);
    json_close(out, '}');
}
