// upload: contents that come before the message that carries them, in pieces (db/functions/inbound/attachment.sql).
// A piece that comes twice is stored once; nothing is visible before sms_inbound.c assigns it to a
// message.
#include "service/tasks/task_statement.h"
#include "sms-worker/handlers.h"
#include "store/statements.h"

void on_upload_piece(struct task *task, const struct msg_upload_piece *message)
{
    struct pg_params params;

    BIND(&params, UPLOAD_PIECE, .tenant = (int32_t)task_tenant(task), .upload = message->upload,
         .stream = (int32_t)message->stream, .number = (int32_t)message->number,
         .content = message->bytes);
    task_answer_by(task, &params);
}

void on_upload_drop(struct task *task, const struct msg_upload_drop *message)
{
    struct pg_params params;

    BIND(&params, UPLOAD_DROP, .tenant = (int32_t)task_tenant(task), .upload = message->upload);
    task_answer_by(task, &params);
}
