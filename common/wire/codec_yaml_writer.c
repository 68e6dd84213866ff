// codec_yaml: writing. Block style, two blanks a level.
#include "codec_yaml.h"
#include "tree.h"

#include <ctype.h>

// A key longer than 1024 characters must be announced with "? "; quoting may make six of one.
enum { INDENT = 2, PLAIN_LIMIT = 120, KEY_LIMIT = 170 };

// Words that YAML 1.1 or 1.2 takes for something else than a text, in any case.
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

// A text that starts with a letter and holds nothing that means anything in YAML stays bare.
static bool is_plain(struct str text)
{
    if (text.len == 0 || text.len > PLAIN_LIMIT || is_reserved(text))
        return false;
    if (!isalpha((unsigned char)text.ptr[0]) && text.ptr[0] != '/')
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool inner_blank =
            c == ' ' && i + 1 < text.len && text.ptr[i + 1] != ' ' && text.ptr[i + 1] != '#';
        bool inner_colon = c == ':' && i + 1 < text.len && text.ptr[i + 1] != ' ';
        if (!isalnum((unsigned char)c) && !(c && strchr("_-./+@=?&", c)) && !inner_blank &&
            !inner_colon)
            return false;
    }
    return true;
}

// JSON's quoting is YAML's, but for characters that YAML wants escaped: DEL, C1, the byte order
// mark and what is no character at all.
static void quoted(struct buf *out, struct str text)
{
    AUTO(buf) json = {0};

    json_str(&json, text);
    for (size_t i = 0; i < json.len; i++) {
        const unsigned char *at = (const unsigned char *)json.data + i;
        size_t left = json.len - i;
        if (at[0] == 0x7F) {
            buf_str_append(out, STR("\\x7F"));
        } else if (left >= 2 && at[0] == 0xC2 && at[1] < 0xA0) {
            buf_printf(out, "\\x%02X", at[1]);
            i += 1;
        } else if (left >= 3 && at[0] == 0xEF &&
                   ((at[1] == 0xBB && at[2] == 0xBF) || (at[1] == 0xBF && at[2] >= 0xBE))) {
            buf_printf(out, "\\u%04X", (unsigned)(0xF000 | (at[1] & 0x3F) << 6 | (at[2] & 0x3F)));
            i += 2;
        } else if (left >= 3 && at[0] == 0xE2 && at[1] == 0x80 && (at[2] & 0xFE) == 0xA8) {
            buf_printf(out, "\\u20%02X", at[2] & 0x3F); // line and paragraph separators fold
            i += 2;
        } else {
            buf_byte(out, at[0]);
        }
    }
}

void yaml_text(struct buf *out, struct str text)
{
    if (is_plain(text))
        buf_str_append(out, text);
    else
        quoted(out, text);
}

static void indent(struct buf *out, size_t level)
{
    for (size_t i = 0; i < level * INDENT; i++)
        buf_byte(out, ' ');
}

static bool is_block(const struct json_view *view)
{
    return (view->kind == TREE_ARRAY || view->kind == TREE_OBJECT) && view->children.count > 0;
}

static void scalar_write(const struct json_view *view, struct buf *out)
{
    AUTO(buf) json = {0};

    if (view->kind == TREE_TEXT) {
        yaml_text(out, view->text);
    } else { // and empty collections: [] and {}
        tree_write(view, &json);
        buf_str_append(out, buf_str(&json));
    }
    buf_byte(out, '\n');
}

static void key_write(struct str name, size_t level, struct buf *out)
{
    if (name.len > KEY_LIMIT)
        buf_str_append(out, STR("? "));
    yaml_text(out, name);
    if (name.len > KEY_LIMIT) {
        buf_byte(out, '\n');
        indent(out, level);
    }
    buf_byte(out, ':');
}

// begun: the cursor stands where the first line of the block goes.
static void block_write(const struct json_view *view, size_t level, bool begun, struct buf *out)
{
    for (size_t i = 0; i < view->children.count; i++) {
        const struct json_view *child = &view->children.items[i];
        if (i > 0 || !begun)
            indent(out, level);
        if (view->kind == TREE_ARRAY) {
            buf_str_append(out, STR("- "));
            if (is_block(child))
                block_write(child, level + 1, true, out);
            else
                scalar_write(child, out);
            continue;
        }
        key_write(child->name, level, out);
        buf_byte(out, is_block(child) ? '\n' : ' ');
        if (is_block(child))
            block_write(child, level + 1, false, out);
        else
            scalar_write(child, out);
    }
}

void yaml_write(const struct json_view *view, struct buf *out)
{
    if (is_block(view))
        block_write(view, 0, true, out);
    else
        scalar_write(view, out);
}
