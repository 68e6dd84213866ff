// Bodies that are read while they arrive. However they are cut, the contents and the rest must be the same,
// and the rest of valid JSON must be valid JSON.
#include "tests/fuzz/fuzz.h"

#include "wire/body/body_scan.h"
#include "wire/json/codec_json.h"

struct outcome {
    struct buf rest, taken;
    bool ok;
};

static void take(void *context, unsigned stream, struct str bytes)
{
    struct buf *taken = context;

    ASSERT(stream > 0 && stream <= BODY_CONTENTS && bytes.len > 0);
    buf_str_append(taken, bytes);
}

static void scan_in(struct str bytes, enum body_scan_format format, size_t step,
                    struct outcome *outcome)
{
    struct body_scan scan;
    struct err err;

    *outcome = (struct outcome){.ok = true};
    body_scan_init(&scan, format, (struct id){.bytes = {1}}, 65536, take, &outcome->taken);
    for (size_t at = 0; outcome->ok && at < bytes.len; at += step)
        outcome->ok = body_scan_feed(
            &scan, str_make(bytes.ptr + at, bytes.len - at < step ? bytes.len - at : step), &err);
    outcome->ok = outcome->ok && body_scan_end(&scan, &err);
    buf_str_append(&outcome->rest, buf_str(&scan.rest));
    body_scan_release(&scan);
}

FUZZ(bytes)
{
    enum body_scan_format format = (enum body_scan_format)fuzz_choice(&bytes, 3);
    struct outcome whole, cut;
    AUTO(buf) grown = {0};

    // Contents are long; a fuzzer's inputs are not.
    for (size_t i = 0; i < bytes.len; i++)
        for (size_t times = bytes.ptr[i] == '~' ? BODY_TAKE_OVER : 1; times > 0; times--)
            buf_byte(&grown, bytes.ptr[i] == '~' ? 'A' : (unsigned char)bytes.ptr[i]);
    if (grown.len > 60000)
        return;
    scan_in(buf_str(&grown), format, 1000000, &whole);
    scan_in(buf_str(&grown), format, 13, &cut);
    ASSERT(whole.ok == cut.ok);
    if (whole.ok)
        ASSERT(str_equal(buf_str(&whole.rest), buf_str(&cut.rest)) &&
               str_equal(buf_str(&whole.taken), buf_str(&cut.taken)));
    buf_release(&whole.rest);
    buf_release(&whole.taken);
    buf_release(&cut.rest);
    buf_release(&cut.taken);
}
