// codec_yaml: writing. libyaml's emitter makes the layout; this file decides which texts are not
// quoted.
#include "nexusctl/yaml/codec_yaml.h"
#include "wire/json/tree.h"

#include "base/panic.h"

#include <ctype.h>
#include <yaml.h>

static int bytes_take(void *out, unsigned char *bytes, size_t length)
{
    buf_str_append(out, str_make(bytes, length));
    return 1;
}

// It can fail only for lack of memory, or for a text that is not UTF-8, which does not occur.
static void put(yaml_emitter_t *emitter, int made, yaml_event_t *event)
{
    ASSERT(made);
    ASSERT(yaml_emitter_emit(emitter, event));
}

static void scalar_put(yaml_emitter_t *emitter, struct str text, yaml_scalar_style_t style)
{
    yaml_event_t event;

    put(emitter,
        yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text.ptr,
                                     (int)text.len, true, true, style),
        &event);
}

// Words that YAML 1.1 or 1.2 does not read as a text, in upper or lower case.
static bool is_reserved(struct str text)
{
    static const struct str words[] = {
        STR_INIT("null"), STR_INIT("true"), STR_INIT("false"), STR_INIT("yes"), STR_INIT("no"),
        STR_INIT("on"),   STR_INIT("off"),  STR_INIT("y"),     STR_INIT("n"),
    };

    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (str_equal_ignoring_case(text, words[i]))
            return true;
    return false;
}

// A text of letters, digits, blanks and harmless signs that does not begin like a number, time or
// indicator. libyaml decides whether it can stay unquoted at its place.
static bool is_plain(struct str text)
{
    if (text.len == 0 || is_reserved(text) ||
        (!isalpha((unsigned char)text.ptr[0]) && text.ptr[0] != '/'))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (!isalnum((unsigned char)text.ptr[i]) && !memchr(" :_-./+@=?&", text.ptr[i], 11))
            return false;
    return true;
}

static void text_put(yaml_emitter_t *emitter, struct str text)
{
    scalar_put(emitter, text,
               is_plain(text) ? YAML_PLAIN_SCALAR_STYLE : YAML_DOUBLE_QUOTED_SCALAR_STYLE);
}

static void value_put(yaml_emitter_t *emitter, const struct json_view *view)
{
    AUTO(buf) json = {0};
    yaml_event_t event;

    if (view->kind == TREE_TEXT) {
        text_put(emitter, view->text);
    } else if (view->kind == TREE_ARRAY) {
        put(emitter,
            yaml_sequence_start_event_initialize(&event, NULL, NULL, true,
                                                 YAML_BLOCK_SEQUENCE_STYLE),
            &event);
        for (size_t i = 0; i < view->children.count; i++)
            value_put(emitter, &view->children.items[i]);
        put(emitter, yaml_sequence_end_event_initialize(&event), &event);
    } else if (view->kind == TREE_OBJECT) {
        put(emitter,
            yaml_mapping_start_event_initialize(&event, NULL, NULL, true, YAML_BLOCK_MAPPING_STYLE),
            &event);
        for (size_t i = 0; i < view->children.count; i++) {
            text_put(emitter, view->children.items[i].name);
            value_put(emitter, &view->children.items[i]);
        }
        put(emitter, yaml_mapping_end_event_initialize(&event), &event);
    } else { // null, a number, true or false: as in JSON
        tree_write(view, &json);
        scalar_put(emitter, buf_str(&json), YAML_PLAIN_SCALAR_STYLE);
    }
}

void yaml_write(const struct json_view *view, struct buf *out)
{
    yaml_emitter_t emitter;
    yaml_event_t event;

    ASSERT(yaml_emitter_initialize(&emitter));
    yaml_emitter_set_output(&emitter, bytes_take, out);
    yaml_emitter_set_unicode(&emitter, true);
    yaml_emitter_set_width(&emitter, -1); // a text stays on its line
    put(&emitter, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING), &event);
    put(&emitter, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, true), &event);
    value_put(&emitter, view);
    put(&emitter, yaml_document_end_event_initialize(&event, true), &event);
    put(&emitter, yaml_stream_end_event_initialize(&event), &event);
    yaml_emitter_delete(&emitter);
}
