// gws_state: what gws.c, gws_clients.c and gws_tokens.c share. Private to these.
#pragma once

#include "base/map.h"
#include "simulator/gws/gws.h"

struct gws_host {
    struct map *centers; // id → struct gws_center
    struct map *clients; // id → struct gws_client
    struct map *tokens;  // text → struct gws_token
    struct list oldest;  // the tokens in the order in which they were issued
};

// False when the text does not fit.
MUST_USE bool gws_text_copy(char (*to)[GWS_TEXT_LIMIT + 1], struct str text);
void gws_clients_free(struct gws_host *gws);
void gws_tokens_free(struct gws_host *gws);
