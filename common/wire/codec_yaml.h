// codec_yaml: a file that a person writes, as the tree that JSON gives.
//
//   yaml_parse(text, arena, &view, &err) && shape_read(view, …)
//
// YAML 1.2 with its core schema, one document, UTF-8. JSON is YAML. Only what a declarative file
// needs: anchors, aliases, merge keys and tags other than !!str are refused, so that no file means
// more than it shows; duplicate keys, too. Depth 32 and 500000 values at most; the caller bounds the
// text. Errors give line and column, never the text.
//
// A plain scalar is a number only where its digits say exactly what was written: 0123, +18445551212
// and 0x1F are texts. The number and the flag remember how they were written (json_written), so
// that 18445551212 does not have to be quoted where a text is wanted.
#pragma once

#include "wire/codec_json.h"

MUST_USE bool yaml_parse(struct str text, struct arena *arena, const struct json_view **view,
                         struct err *err);

// The other way, in block style: what yaml_parse() reads as the same tree. A text is quoted where any
// reader, of YAML 1.1 too, could take it for something else.
void yaml_write(const struct json_view *view, struct buf *out);
// One scalar, for who writes the structure himself.
void yaml_text(struct buf *out, struct str text);
