// upload: contents that come before the message that carries them, in pieces (db/functions/attachment.sql).
// A piece that comes twice is stored once; nothing can be seen before sms_inbound.c makes it a
// message's.
#include "service/task_statement.h"
#include "store/statements.h"

void on_upload_piece(struct task *task, const struct msg_upload_piece *message);
void on_upload_drop(struct task *task, const struct msg_upload_drop *message);

void on_upload_piece(struct task *task, const struct msg_upload_piece *message)
{
    struct pg_params params;

    pg_params_init(&params);
    pg_int4(&params, (int32_t)task_tenant(task));
    pg_id(&params, message->upload);
    pg_int4(&params, (int32_t)message->stream);
    pg_int4(&params, (int32_t)message->number);
    pg_bytea(&params, message->bytes);
    task_answer_by(task, STATEMENT_UPLOAD_PIECE, &params);
}

void on_upload_drop(struct task *task, const struct msg_upload_drop *message)
{
    struct pg_params params;

    pg_params_init(&params);
    pg_int4(&params, (int32_t)task_tenant(task));
    pg_id(&params, message->upload);
    task_answer_by(task, STATEMENT_UPLOAD_DROP, &params);
}
