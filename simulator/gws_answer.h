// gws_answer: how GWS speaks: its envelopes, what its knobs do to them, and how parameters reach it.
#pragma once

#include "base/list.h"
#include "simulator/simulator.h"

// Whose knobs and counts apply: those of the user's contact center, else of the user's or client's
// name.
struct channel *gws_channel(struct simulator *simulator, const struct gws_user *user);

// Answers as the channel's knobs say (NULL: the default ones): late, with an error, or wrong.
void gws_answer(struct simulator *simulator, struct http_request *request,
                const struct channel *channel, const struct http_answer *right);
void gws_answer_json(struct simulator *simulator, struct http_request *request,
                     const struct channel *channel, struct str json);
// {"status":{…},"data":{},"errors":[…],"path"}
void gws_refuse(struct simulator *simulator, struct http_request *request,
                const struct channel *channel, int status, const char *message);

// A parameter of the form in the body, else of the query; decoded, absent where there is none.
struct str gws_parameter(struct http_request *request, struct str name);
// The halves of Authorization: Basic; absent where there is none.
void gws_basic(struct http_request *request, struct str *name, struct str *password);
// Authorization: Bearer, or the bare token.
struct str gws_bearer(struct http_request *request);

// Answers that wait for their time are given at once.
void gws_answers_drain(struct simulator *simulator);
