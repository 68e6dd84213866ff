// upload: see the header.
#include "gateway/attachments/upload.h"

#include "gateway/gateway.h"

#include "base/buf.h"
#include "wire/msgpack/envelope.h"

enum { PIECE_DEADLINE_MS = 5000 };

void upload_call(struct exchange *exchange, struct id upload, enum message_id message,
                 const void *fields, bus_reply_fn *replied, void *context)
{
    struct envelope envelope = {.message = message,
                                .principal = exchange->principal,
                                .operation = exchange->operation,
                                .deadline_ms = PIECE_DEADLINE_MS};

    memcpy(&envelope.partition, upload.bytes + 8, sizeof envelope.partition);
    gateway_call(exchange->gateway, &envelope, fields, replied, context);
}

static void dropped(void *context, enum err_code code, struct str text)
{
    (void)context, (void)code, (void)text; // if this fails, upkeep does it
}

void upload_drop(struct exchange *exchange, struct id upload)
{
    if (!id_is_none(upload) && exchange->gateway->bus)
        upload_call(exchange, upload, MSG_UPLOAD_DROP, &(struct msg_upload_drop){.upload = upload},
                    dropped, NULL);
}

void upload_settle(struct exchange *exchange, enum err_code code)
{
    bool is_accepted = code == ERR_OK || code == ERR_REPLAYED;

    if (err_http_status(code) >= 500)
        return;
    upload_drop(exchange, exchange->proof.stored);
    if (!is_accepted)
        upload_drop(exchange, exchange->upload);
}
