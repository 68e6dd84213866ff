// body_scan: takes the large contents out of a JSON or form body while it arrives, so that the
// whole body is never in memory. The remaining `rest` is the same body with a reference in place of
// each content:
//
//   {"mms_attachment":[{"content_type":"image/png","content":"iVBORw0KGgo…"}]}   becomes
//   {"mms_attachment":[{"content_type":"image/png","content":
//       {"upload":"<uuid>","stream":1,"bytes":5000,"digest":"<16 hex digits>"}}]}
//
//   a[0].content=iVBORw0KGgo…   becomes   a[0].content[upload]=<uuid>&a[0].content[stream]=1&…
//
// The digest (FNV-1a, 64 bits) distinguishes contents of the same size. The upload's id cannot,
// because it is a new one each time a request is repeated.
//
// A content is the text of a member called "content" that is longer than BODY_TAKE_OVER. It is
// base64, in either alphabet, padded or not, with line breaks anywhere, perhaps with
// "data:…;base64," before it; its bytes are given to take() as they come, stream by stream. The
// reader of the rest checks everything else later (codec_json.h).
//
//   body_scan_init(&scan, BODY_SCAN_JSON, upload, take, context);
//   body_scan_feed(&scan, bytes, &err) … body_scan_end(&scan, &err)      then use scan.rest
//   body_scan_release(&scan);
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    BODY_TAKE_OVER = 4096,        // a content of at most so many bytes stays in the rest
    BODY_TAKE_OVER_CROWDED = 256, // the same, once the rest has BODY_CROWDED bytes
    BODY_CROWDED = 32 * 1024,
    BODY_CONTENTS_BYTES = 5 * 1024 * 1024, // decoded, all contents of a body together
    BODY_CONTENTS = 256,
};

enum body_scan_format {
    BODY_SCAN_JSON,
    BODY_SCAN_FORM,
    BODY_SCAN_NOTHING, // takes nothing out: rest is the body
};

// Bytes of a content; streams are counted from 1.
typedef void body_take_fn(void *context, unsigned stream, struct str bytes);

struct body_scan {
    struct buf rest;
    size_t rest_limit;
    // its own:
    enum body_scan_format format;
    struct id upload;
    body_take_fn *take;
    void *context;
    struct buf decoded;
    unsigned stream; // the last content taken
    uint32_t stream_bytes, bytes;
    uint64_t stream_digest;
    enum body_scan_state {
        SCAN_PLAIN, // between JSON's strings; in a form's name
        SCAN_TEXT,  // in a string; in a form's value
        SCAN_TAKEN, // in a content that is taken out
    } state;
    bool is_escaped, is_content;
    // The content being taken out is not base64 from here on, and is stored as it comes.
    bool is_broken;
    char before;        // the last byte outside of strings that is not white space
    size_t begin;       // where in rest the string, or the form's pair, begins
    size_t value_begin; // of a form's pair
    char name[32];      // of a JSON member: the last string
    size_t name_len;
    unsigned code, code_digits; // of \uHHHH and %HH
    struct buf pair_name;       // of a form's content
    struct base64 {
        uint32_t bits;
        unsigned bit_count, prefix;
        bool is_padded, in_prefix;
    } base64;
};

void body_scan_init(struct body_scan *scan, enum body_scan_format format, struct id upload,
                    size_t rest_limit, body_take_fn *take, void *context);
void body_scan_release(struct body_scan *scan);
// ERR_TOO_LARGE: the contents, their number, or the rest. Then scan cannot be used any more. A
// content is decoded as far as it is base64; from there on it is stored as it came, and its
// reference says "broken".
MUST_USE bool body_scan_feed(struct body_scan *scan, struct str bytes, struct err *err);
MUST_USE bool body_scan_end(struct body_scan *scan, struct err *err);
