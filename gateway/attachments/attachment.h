// attachment: the attachments of messages, as downloads. The gateway asks chat-worker for a piece,
// sends it, and asks for the next one when the client has it; so a download takes the memory of one
// piece.
//
// An attachment never runs in the page of the reader: it is always a download, its type is not
// sniffed, and it is application/octet-stream unless its type is a harmless one. HEAD answers as
// GET without the bytes; Range is ignored and the whole is sent.
#pragma once

#include "base/str.h"

struct exchange;

void attachment_open(struct exchange *exchange);
void attachment_linked(struct exchange *exchange); // by a link, without log-in

// The Content-Type to serve it with. known: what its first bytes show; absent: they show nothing.
struct str attachment_served_type(struct str declared, struct str known);
