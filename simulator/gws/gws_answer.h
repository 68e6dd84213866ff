// gws_answer: the answers of GWS: its envelopes, the effects of its knobs, and its request
// parameters.
#pragma once

#include "base/list.h"
#include "simulator/gws/gws.h"
#include "simulator/simulator.h"

// The channel with the knobs and counts for this user: that of the contact center, or else of the
// user's or client's name.
struct channel *gws_channel(struct simulator *simulator, const struct gws_login *user);

// Answers according to the channel's knobs (NULL: the default ones): late, with an error, or wrong.
void gws_answer(struct simulator *simulator, struct http_request *request,
                const struct channel *channel, const struct http_answer *right);
void gws_answer_json(struct simulator *simulator, struct http_request *request,
                     const struct channel *channel, struct str json);
// {"status":{…},"data":{},"errors":[…],"path"}
void gws_refuse(struct simulator *simulator, struct http_request *request,
                const struct channel *channel, int status, const char *message);

// A parameter of the form in the body, or else of the query; decoded; absent if there is none.
struct str gws_parameter(struct http_request *request, struct str name);
// Name and password of Authorization: Basic; absent if there is no such header.
void gws_basic(struct http_request *request, struct str *name, struct str *password);
// Authorization: Bearer, or the bare token.
struct str gws_bearer(struct http_request *request);

// Sends delayed answers at once.
void gws_answers_drain(struct simulator *simulator);
