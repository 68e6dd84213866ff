// sms_attachments: converts the attachments of a text from the form in which they come to the form
// in which they are stored. Senders differ in how they write base64 and in what they put into the
// list; neither the text nor anything they sent may be lost because of that. An unreadable
// attachment is stored as it came, under the type UNREADABLE_TYPE.
#pragma once

#include "base/arena.h"
#include "base/str.h"

#define UNREADABLE_TYPE "application/vnd.nexus.unreadable"

// list: the JSON of the field. Gives a JSON list of {"content_type":…,"name":…,"content":…}; absent where there
// is no attachment. name is the file's, where it has one; content is padded base64 or names an upload
// (wire/body/body_scan.h). A single object or text counts as a list of one; a text that is itself JSON, and an object
// whose members are numbered, are the list. Base64 may be in lines, with blanks,
// unpadded, in the alphabet for URLs, or in a data: URL; an http URL, alone or as "url", becomes a text/uri-list.
// An invalid media type becomes application/octet-stream.
struct str sms_attachments(struct arena *arena, struct str list);

enum { ATTACHMENT_TEXT_MAX = 16384 };

// The content of the only text/plain attachment, in UTF-8; absent if there is none or more than
// one, or if it is empty or long. An aggregator that forwards the parts of an MMS sends its text
// this way.
struct str sms_attachments_text(struct arena *arena, struct str kept);
