// replies: see the header.
#include "docs/reference/replies.h"

#include "docs/reference/code_list.h"

#include "base/err.h"
#include "docs/openapi/reply.h"

static const char *const kinds[] = {
    [REPLY_TEXT] = "text",           [REPLY_WORD] = "word",    [REPLY_ID] = "UUID",
    [REPLY_TIME] = "time",           [REPLY_REAL] = "number",  [REPLY_FLAG] = "true or false",
    [REPLY_NUMBER] = "whole number", [REPLY_ANY] = "any JSON",
};

static void write_link(FILE *out, const struct reply_object *object)
{
    fprintf(out, "[%s](#%s)", object->name, object->name);
}

static void write_type(FILE *out, const struct reply_member *member)
{
    if (member->shape == REPLY_LIST)
        fputs("list of ", out);
    if (member->shape == REPLY_MAP)
        fputs("name → ", out);
    if (member->kind == REPLY_WORD)
        write_code_list(out, member->words, '|', ", ");
    else if (member->kind == REPLY_OBJECT)
        write_link(out, reply_object(member->object));
    else
        fputs(kinds[member->kind], out);
    if (member->or_text)
        fputs(" or text", out);
    if (member->or_false)
        fputs(" or `false`", out);
    if (member->presence == REPLY_NULLABLE)
        fputs(" or `null`", out);
}

static void write_object(FILE *out, const struct reply_object *object)
{
    fprintf(out, "### %s\n\n%s\n\n| member | type | meaning |\n|---|---|---|\n", object->name,
            object->doc);
    for (size_t i = 0; i < object->member_count; i++) {
        const struct reply_member *member = &object->members[i];
        fprintf(out, "| `%s`%s | ", member->name,
                member->presence == REPLY_SOMETIMES ? " (may be missing)" : "");
        write_type(out, member);
        fprintf(out, " | %s |\n", member->doc);
    }
    fputc('\n', out);
}

static void write_reply(FILE *out, const struct message_type *message)
{
    const struct reply_type *reply = reply_type(message->id);
    const struct reply_object *object = reply_object(reply->object);
    const char *between = "";

    if (!reply->declared)
        return;
    fprintf(out, "| `%.*s` | ", STR_ARG(message->name));
    if (object)
        write_link(out, object);
    fputs(" | ", out);
    for (int code = 0; code < ERR_COUNT; code++) {
        if (reply->errors & 1U << code) {
            fprintf(out, "%s`%.*s`", between, STR_ARG(err_name((enum err_code)code)));
            between = ", ";
        }
    }
    fputs(" |\n", out);
}

void write_replies(FILE *out)
{
    fputs(
        "The members of an answer's data; there are no others. If a request may have If-Match, its "
        "answer may also be the error `changed_meanwhile`. [openapi.json](openapi.json), which the "
        "gateway serves, has the same and everything else about the API.\n\n"
        "| message | reply | errors of its own |\n|---|---|---|\n",
        out);
    for (int id = 0; id < MSG_COUNT; id++)
        write_reply(out, message_type((enum message_id)id));
    fputs("\n## Objects\n\n", out);
    for (int id = OBJECT_nothing + 1; id < OBJECT_COUNT; id++)
        write_object(out, reply_object((enum object_id)id));
}
