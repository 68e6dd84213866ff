// codec_yaml: reads a YAML file written by a person into the same tree as JSON.
//
//   yaml_parse(text, arena, &view, &err) && shape_read(view, …)
//
// YAML 1.2 with its core schema, one document, UTF-8. JSON is YAML. Only what a declarative file
// needs: anchors, aliases, merge keys and tags other than !!str are refused, so that a file
// contains nothing hidden; duplicate keys are refused too. Depth 32 and 500000 values at most; the
// caller bounds the text. Errors give line and column, never the text.
//
// A plain scalar is a number only if the number would be printed as it was written: 0123, +18445551212
// and 0x1F are texts. The number and the flag remember how they were written (json_written), so
// that 18445551212 does not have to be quoted where a text is expected.
#pragma once

#include "wire/json/codec_json.h"

MUST_USE bool yaml_parse(struct str text, struct arena *arena, const struct json_view **view,
                         struct err *err);

// Writes a tree in block style, so that yaml_parse() reads the same tree. A text is quoted if any
// reader, also of YAML 1.1, could read it as something else.
void yaml_write(const struct json_view *view, struct buf *out);
