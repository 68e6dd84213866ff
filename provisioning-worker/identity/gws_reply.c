// gws_reply: see the header.
#include "provisioning-worker/identity/gws_reply.h"

#include "base/buf.h"
#include "provisioning-worker/identity/authority.h"
#include "wire/json/codec_json.h"

enum { AUTHORITIES_LIMIT = 64 };

static bool name_read(const struct json_view *reply, struct str *name, struct err *err)
{
    struct str text = json_text(json_member(reply, "username")), center, rest;

    // "<contact center>\user" in some versions.
    if (str_present(text) && str_cut(text, '\\', &center, &rest)) {
        while (rest.len && rest.ptr[0] == '\\')
            rest = str_skip(rest, 1);
        text = rest;
    }
    if (text.len == 0 || text.len > GWS_NAME_LIMIT)
        return err_set(err, ERR_UNAVAILABLE, "username: not 1 to %d bytes of text", GWS_NAME_LIMIT);
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return err_set(err, ERR_UNAVAILABLE, "username: has control characters");
    *name = text;
    return true;
}

static bool center_read(const struct json_view *reply, struct id *center, struct err *err)
{
    const struct json_view *member = json_member(reply, "contactCenterId");

    *center = (struct id){0};
    if (json_kind(member) == TREE_NULL)
        return true;
    struct str text = json_text(member);
    if (!str_present(text) || !id_parse(text, center) || id_is_none(*center))
        return err_set(err, ERR_UNAVAILABLE, "contactCenterId: not the id of a contact center");
    return true;
}

static bool permissions_read(const struct json_view *reply, bool of_center, struct arena *arena,
                             struct str *permissions, struct err *err)
{
    AUTO(buf) text = {0};
    const struct json_view *list = json_member(reply, "authorities"), *one;

    if (json_kind(list) != TREE_ARRAY)
        return err_set(err, ERR_UNAVAILABLE, "authorities: not a list");
    for (size_t i = 0; (one = json_element(list, i)); i++) {
        struct str authority = json_text(json_member(one, "name"));
        if (!str_present(authority) || i >= AUTHORITIES_LIMIT)
            return err_set(err, ERR_UNAVAILABLE, "authorities: not a list of up to %d with names",
                           AUTHORITIES_LIMIT);
        struct str permission = authority_permission(authority, of_center);
        if (permission.len == 0)
            continue;
        if (text.len)
            buf_byte(&text, ' ');
        buf_str_append(&text, permission);
    }
    *permissions = arena_copy(arena, buf_str(&text));
    return true;
}

bool gws_user_read(struct str json, struct arena *arena, struct gws_user *user, struct err *err)
{
    const struct json_view *reply;
    struct gws_user read = {0};

    if (!json_parse(json, arena, &reply, err) || json_kind(reply) != TREE_OBJECT)
        return err_set(err, ERR_UNAVAILABLE, "not a JSON object");
    if (!name_read(reply, &read.name, err) || !center_read(reply, &read.center, err) ||
        !permissions_read(reply, !id_is_none(read.center), arena, &read.permissions, err))
        return false;
    *user = read;
    return true;
}

bool gws_token_is_plausible(struct str token)
{
    size_t length = token.len;

    while (length > 0 && token.ptr[length - 1] == '=')
        length--;
    for (size_t i = 0; i < length; i++) {
        char byte = token.ptr[i];
        bool is_word = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
                       (byte >= 'a' && byte <= 'z');
        if (!is_word && !memchr("-._~+/", byte, 6))
            return false;
    }
    return length > 0 && token.len <= GWS_TOKEN_LIMIT;
}

bool gws_grant_read(struct str json, struct arena *arena, struct gws_grant *grant, struct err *err)
{
    const struct json_view *reply;
    int64_t expires_in_s;

    if (!json_parse(json, arena, &reply, err) || json_kind(reply) != TREE_OBJECT)
        return err_set(err, ERR_UNAVAILABLE, "not a JSON object");
    struct str token = json_text(json_member(reply, "access_token"));
    struct str type = json_text(json_member(reply, "token_type"));
    if (!str_present(token) || !gws_token_is_plausible(token))
        return err_set(err, ERR_UNAVAILABLE, "access_token: not a token");
    if (!str_present(type) || !str_equal_ignoring_case(type, STR("bearer")))
        return err_set(err, ERR_UNAVAILABLE, "token_type: not bearer");
    if (!json_number(json_member(reply, "expires_in"), &expires_in_s) || expires_in_s < 0 ||
        expires_in_s > GWS_EXPIRES_LIMIT_S)
        return err_set(err, ERR_UNAVAILABLE, "expires_in: not a number of seconds");
    *grant = (struct gws_grant){.token = token, .expires_in_s = expires_in_s};
    return true;
}
