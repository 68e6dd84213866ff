// sms_attachments: the attachments of a text as they come, and as they are stored. Senders differ in how
// they write base64 and in what they put into the list; the text must not be lost for that, nor may
// anything they sent. What cannot be read as an attachment is kept as it came, under the type
// UNREADABLE_TYPE.
#pragma once

#include "base/arena.h"
#include "base/str.h"

#define UNREADABLE_TYPE "application/vnd.nexus.unreadable"

// list: the JSON of the field. Gives a JSON list of {"content_type":…,"name":…,"content":…}; absent where there
// is no attachment. name is the file's, where it has one; content is padded base64 or names an upload
// (wire/body_scan.h). A single object or text counts as a list of one; a text that is itself JSON, and an object
// whose members are numbered, are the list. Base64 may be in lines, with blanks,
// unpadded, in the alphabet for URLs, or in a data: URL; an http URL, alone or as "url", becomes a text/uri-list.
// What is no media type is application/octet-stream.
struct str sms_attachments(struct arena *arena, struct str list);

enum { ATTACHMENT_TEXT_MAX = 16384 };

// What the only attachment of text/plain among kept ones says, in UTF-8; absent where there is none or more
// than one, or where it is empty or long. The text of an MMS comes so where an aggregator passes on its parts.
struct str sms_attachments_text(struct arena *arena, struct str kept);
