#include "gateway/answer_body.h"

#include "rows.h"

#define OPERATION "0190163d-8694-739b-aea5-966c26f8ad91"

static struct id operation(void)
{
    struct id id;

    cr_assert(id_parse(STR(OPERATION), &id));
    return id;
}

static const struct data_row {
    enum route_envelope envelope;
    const char *data, *want;
} data_rows[] = {
    {ENVELOPE_E1, "{\"a\":1}",
     "{\"status\":{\"code\":0},\"data\":{\"a\":1},\"operationId\":\"" OPERATION "\"}"},
    {ENVELOPE_E1, "", "{\"status\":{\"code\":0},\"data\":null,\"operationId\":\"" OPERATION "\"}"},
    {ENVELOPE_E2, "[1]",
     "{\"operationId\":\"" OPERATION "\",\"status\":{\"code\":\"SUCCESS\"},\"data\":[1]}"},
    {ENVELOPE_E3, "{\"a\":1}", "{\"a\":1}"},
};

ROWS_TEST(answer_body, wraps_data_in_the_envelope_of_the_route, data_rows)
{
    AUTO(buf) out = {0};

    body_render_data(&out, row->envelope, str_of(row->data), operation());

    cr_assert(str_equal(buf_str(&out), str_of(row->want)), "%.*s", STR_ARG(buf_str(&out)));
}

static const struct error_row {
    enum route_envelope envelope;
    enum err_code code;
    const char *want;
} error_rows[] = {
    {ENVELOPE_E1, ERR_BAD_INPUT,
     "{\"status\":{\"code\":400,\"message\":\"to: \\\"x\\\"\"},\"operationId\":\"" OPERATION "\"}"},
    {ENVELOPE_E2, ERR_BAD_INPUT,
     "{\"status\":{\"code\":\"INVALID_PARAMETER\",\"message\":\"to: \\\"x\\\"\"},"
     "\"operationId\":\"" OPERATION "\"}"},
    {ENVELOPE_E3, ERR_UNKNOWN_KEY,
     "{\"status\":{\"code\":\"INVALID_CONTACT_CENTER\",\"message\":\"to: \\\"x\\\"\"},"
     "\"operationId\":\"" OPERATION "\"}"},
};

ROWS_TEST(answer_body, writes_an_error_in_the_envelope_of_the_route, error_rows)
{
    AUTO(buf) out = {0};

    body_render_error(&out, row->envelope, row->code, STR("to: \"x\""), operation());

    cr_assert(str_equal(buf_str(&out), str_of(row->want)), "%.*s", STR_ARG(buf_str(&out)));
}

Test(answer_body, writes_a_problem_as_in_rfc_9457)
{
    const struct str want =
        STR("{\"type\":\"urn:nexus:error:not_found\",\"title\":\"The object does not exist, "
            "or not for this "
            "caller.\",\"status\":404,\"detail\":\"no\",\"instance\":\"/x\",\"code\":\"not_found\","
            "\"operationId\":\"" OPERATION "\"}");
    AUTO(buf) out = {0};

    body_render_problem(&out, ERR_NOT_FOUND, STR("no"), STR("/x"), operation());

    cr_assert(str_equal(buf_str(&out), want), "%.*s", STR_ARG(buf_str(&out)));
}
