// upload: see the header.
#include "upload.h"

#include "gateway.h"

#include "base/buf.h"
#include "wire/envelope.h"

enum { PIECE_DEADLINE_MS = 5000 };

void upload_call(struct exchange *exchange, struct id upload, enum message_id message,
                 const void *fields, bus_reply_fn *replied, void *context)
{
    struct gateway *gateway = exchange->gateway;
    struct envelope envelope = {.message = message,
                                .principal = exchange->principal,
                                .operation = exchange->operation,
                                .deadline_ms = PIECE_DEADLINE_MS};

    memcpy(&envelope.partition, upload.bytes + 8, sizeof envelope.partition);
    buf_clear(&gateway->payload);
    message_encode(message_type(message), fields, &gateway->payload);
    bus_gateway_call(gateway->bus, &envelope, buf_str(&gateway->payload), replied, context);
}

static void dropped(void *context, enum err_code code, struct str text)
{
    (void)context, (void)code, (void)text; // where it failed, upkeep does it
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
