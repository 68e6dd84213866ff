// attachment: what came with a message, as a download. The gateway asks chat-worker for a piece, sends it, and
// asks for the next one when the client has it; so a download takes the memory of one piece.
//
// Nothing of it runs in the page of whoever fetches it: it is a download whatever it is, is not sniffed, and
// where it is none of the kinds that only show something it is application/octet-stream. HEAD answers as GET
// without the bytes; Range is not taken: the answer is the whole.
#pragma once

#include "base/str.h"

struct exchange;

void attachment_open(struct exchange *exchange);
void attachment_linked(struct exchange *exchange); // by a link, without log-in

// The Content-Type to serve it with. known is absent where the content does not say.
struct str attachment_served_type(struct str declared, struct str known);
