// Hex, base64 and percent escapes: a refusal does not change the buf; bytes that were read can be written
// and read again as the same bytes.
#include "tests/fuzz/fuzz.h"

#include "base/buf.h"
#include "base/id.h"

static void hex(struct str text)
{
    AUTO(buf) bytes = {0};
    AUTO(buf) again = {0};

    if (!buf_unhex(&bytes, text)) {
        ASSERT(bytes.len == 0);
        return;
    }
    buf_hex(&again, buf_str(&bytes));
    ASSERT(str_equal_ignoring_case(buf_str(&again), text));
}

static void base64(struct str text)
{
    AUTO(buf) bytes = {0};
    AUTO(buf) again = {0};

    if (!buf_unbase64(&bytes, text)) {
        ASSERT(bytes.len == 0);
        return;
    }
    buf_base64(&again, buf_str(&bytes)); // padded, which text need not be
    ASSERT(str_starts(buf_str(&again), text));
    ASSERT(again.len - text.len <= 2);
}

static void percent(struct str text)
{
    AUTO(buf) bytes = {0};

    if (!buf_percent_decode(&bytes, text, text.len % 2))
        ASSERT(bytes.len == 0);
    ASSERT(bytes.len <= text.len);
}

static void uuid(struct str text)
{
    char again[ID_TEXT_LENGTH + 1];
    struct id id;

    if (!id_parse(text, &id))
        return;
    id_text(id, again);
    ASSERT(str_equal_ignoring_case(str_of(again), text));
}

FUZZ(text)
{
    int64_t number;

    hex(text);
    base64(text);
    percent(text);
    uuid(text);
    if (str_to_duration_ms(text, &number) || str_to_bytes(text, &number))
        ASSERT(number >= 0);
}
