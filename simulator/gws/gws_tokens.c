// gws_tokens: access tokens, refresh tokens and codes, each until it expires or room is needed.
#include "base/heap.h"
#include "base/random.h"
#include "simulator/gws/gws_state.h"

#include <stdlib.h>

// A token cannot be guessed and does not reveal its age: a random UUID (version 4), as GWS issues.
static void text_draw(char text[ID_TEXT_LENGTH + 1])
{
    struct id id;

    random_bytes(id.bytes, sizeof id.bytes);
    id.bytes[6] = (uint8_t)((id.bytes[6] & 0x0f) | 0x40);
    id.bytes[8] = (uint8_t)((id.bytes[8] & 0x3f) | 0x80);
    id_text(id, text);
}

static void forget(struct gws_host *gws, struct gws_token *token)
{
    map_remove(gws->tokens, str_of(token->text));
    list_remove(&token->link);
    free(token);
}

const struct gws_token *gws_token_new(struct gws_host *gws, const struct gws_token *description,
                                      int64_t life_ms, int64_t now_ms)
{
    struct gws_token *token = heap_new(sizeof *token);
    while (map_count(gws->tokens) >= GWS_TOKENS_LIMIT)
        forget(gws, LIST_FIRST(&gws->oldest, struct gws_token, link));
    *token = *description;
    text_draw(token->text);
    token->expires_ms = now_ms + life_ms;
    list_append(&gws->oldest, &token->link);
    map_put(gws->tokens, str_of(token->text), token);
    return token;
}

const struct gws_token *gws_token_find(struct gws_host *gws, enum gws_token_kind kind,
                                       struct str text, int64_t now_ms)
{
    struct gws_token *token = str_present(text) ? map_get(gws->tokens, text) : NULL;

    if (!token || token->kind != kind)
        return NULL;
    if (token->expires_ms > now_ms)
        return token;
    forget(gws, token);
    return NULL;
}

void gws_token_forget(struct gws_host *gws, const struct gws_token *token)
{
    forget(gws, map_get(gws->tokens, str_of(token->text)));
}

void gws_log_out(struct gws_host *gws, struct id login)
{
    LIST_EACH (&gws->oldest, struct gws_token, link, token)
        if (id_equal(token->login, login))
            forget(gws, token);
}

size_t gws_token_count(const struct gws_host *gws)
{
    return map_count(gws->tokens);
}

void gws_tokens_free(struct gws_host *gws)
{
    LIST_EACH (&gws->oldest, struct gws_token, link, token)
        forget(gws, token);
    map_free(&gws->tokens);
}
