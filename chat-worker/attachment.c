// attachment: the attachments of messages, for agents and for people with a link from an agent.
//
// A link ends in a token: base64url of tenant, the API key it was made with (0: a user made it), message, ordinal, expiry
// and a MAC over them. The MAC's key is derived from the installation's key-encryption key, so
// every worker knows it, and links are not stored. When that key is replaced, tokens under the old
// one are valid as long as it is in the ring. A link is valid at most as long as the API key it was
// made with.
#include "base/clock.h"
#include "chat-worker/handlers.h"
#include "crypto/crypto.h"
#include "secrets/secret.h"
#include "service/service.h"
#include "service/tasks/task_statement.h"
#include "store/statements.h"

#include <endian.h>

enum {
    LINK_DEFAULT_S = 900,
    MAC_BYTES = 16,
    SAID_BYTES = 4 + 4 + 16 + 4 + 8,
    TOKEN_BYTES = SAID_BYTES + MAC_BYTES
};

struct said {
    uint32_t tenant, key;
    struct id message;
    uint32_t ordinal;
    uint64_t expires_s;
};

static void read_by(struct task *task, struct id conversation, struct id message, uint32_t ordinal,
                    uint32_t piece)
{
    struct pg_params params;

    BIND(&params, ATTACHMENT_READ, .tenant = (int32_t)task_tenant(task),
         .conversation = conversation, .message = message, .ordinal = (int32_t)ordinal,
         .piece = (int32_t)piece);
    task_answer_by(task, &params);
}

void on_attachment_read(struct task *task, const struct msg_attachment_read *message)
{
    read_by(task, message->id, message->message, message->ordinal, message->piece);
}

// ---- tokens

static void said_put(struct buf *out, const struct said *said)
{
    uint32_t tenant = htobe32(said->tenant), key = htobe32(said->key);
    uint32_t ordinal = htobe32(said->ordinal);
    uint64_t expires = htobe64(said->expires_s);

    buf_append(out, &tenant, sizeof tenant);
    buf_append(out, &key, sizeof key);
    buf_str_append(out, id_bytes(&said->message));
    buf_append(out, &ordinal, sizeof ordinal);
    buf_append(out, &expires, sizeof expires);
}

static void said_get(const char *bytes, struct said *said)
{
    uint32_t tenant, key, ordinal;
    uint64_t expires;

    memcpy(&tenant, bytes, 4);
    memcpy(&key, bytes + 4, 4);
    memcpy(said->message.bytes, bytes + 8, 16);
    memcpy(&ordinal, bytes + 24, 4);
    memcpy(&expires, bytes + 28, 8);
    said->tenant = be32toh(tenant);
    said->key = be32toh(key);
    said->ordinal = be32toh(ordinal);
    said->expires_s = be64toh(expires);
}

// line is a key of the ring in hex; the key for links is derived from it.
static bool mac_put(struct str line, struct str said, unsigned char mac[SHA256_BYTES])
{
    unsigned char ring_key[SECRET_KEY_BYTES], key[SHA256_BYTES];
    struct err err;

    if (!secret_key_parse("NEXUS_KEY_ENCRYPTION_KEY", str_trim(line), ring_key, &err))
        return false;
    crypto_hmac_sha256(str_make(ring_key, sizeof ring_key), STR("links to attachments"), key);
    crypto_hmac_sha256(str_make(key, sizeof key), said, mac);
    crypto_forget(ring_key, sizeof ring_key);
    crypto_forget(key, sizeof key);
    return true;
}

static void url_safe(struct buf *text, size_t from)
{
    while (text->len > 0 && text->data[text->len - 1] == '=')
        text->len--;
    for (size_t i = from; i < text->len; i++)
        if (text->data[i] == '+' || text->data[i] == '/')
            text->data[i] = text->data[i] == '+' ? '-' : '_';
}

static bool token_make(struct task *task, const struct said *said, struct buf *token,
                       struct err *err)
{
    unsigned char mac[SHA256_BYTES];
    struct str lines, line;
    AUTO(buf) bytes = {0};

    if (!service_key_encryption_keys(task->service, task->arena, &lines, err))
        return false;
    str_cut(lines, '\n', &line, &lines);
    said_put(&bytes, said);
    if (!mac_put(line, buf_str(&bytes), mac))
        return err_set(err, ERR_UNAVAILABLE, "no key for signing links is configured");
    buf_append(&bytes, mac, MAC_BYTES);
    size_t before = token->len;
    buf_base64(token, buf_str(&bytes));
    url_safe(token, before);
    return true;
}

static bool link_refuse(struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "the link is invalid or has expired");
}

static bool token_read(struct task *task, struct str token, struct said *said, struct err *err)
{
    struct str lines, line;
    AUTO(buf) text = {0};
    AUTO(buf) bytes = {0};
    bool is_ours = false;

    buf_str_append(&text, token);
    for (size_t i = 0; i < text.len; i++)
        text.data[i] = text.data[i] == '-' ? '+' : text.data[i] == '_' ? '/' : text.data[i];
    if (!service_key_encryption_keys(task->service, task->arena, &lines, err))
        return false;
    if (buf_unbase64(&bytes, buf_str(&text)) && bytes.len == TOKEN_BYTES) {
        while (str_present(lines) && !is_ours) {
            unsigned char mac[SHA256_BYTES];
            str_cut(lines, '\n', &line, &lines);
            is_ours = mac_put(line, str_make(bytes.data, SAID_BYTES), mac) &&
                      crypto_equal(str_make(mac, MAC_BYTES),
                                   str_make(bytes.data + SAID_BYTES, MAC_BYTES));
        }
        said_get(bytes.data, said);
    }
    return (is_ours && said->expires_s > (uint64_t)clock_unix_us() / 1000000) || link_refuse(err);
}

// ---- links

void on_attachment_link(struct task *task, const struct msg_attachment_link *message)
{
    uint32_t seconds = message->seconds ? message->seconds : LINK_DEFAULT_S;
    struct said said = {.tenant = task_tenant(task),
                        .key = task->envelope.principal.key,
                        .message = message->message,
                        .ordinal = message->ordinal,
                        .expires_s = (uint64_t)clock_unix_us() / 1000000 + seconds};
    AUTO(buf) link = {0};
    AUTO(buf) expires = {0};
    AUTO(buf) answer = {0};
    struct pg_params params;
    struct err err;

    buf_printf(&link, "/chat/v3/attachments/");
    if (!token_make(task, &said, &link, &err)) {
        task_fail(task, &err);
        return;
    }
    buf_time(&expires, (int64_t)said.expires_s * 1000000);
    json_open(&answer, '{');
    json_key_str(&answer, "link", buf_str(&link));
    json_key_str(&answer, "expires", buf_str(&expires));
    json_close(&answer, '}');
    BIND(&params, ATTACHMENT_LINK, .tenant = (int32_t)task_tenant(task),
         .conversation = message->id, .message = message->message,
         .ordinal = (int32_t)message->ordinal, .answer = buf_str(&answer));
    task_answer_by(task, &params);
}

// The contents of the token of a link that was opened.
struct following {
    struct task *task;
    struct said said;
};

// From here on the task belongs to the tenant of the token, and sees only its rows.
static void link_judged(void *context, const struct pg_result *result, const struct err *err)
{
    struct following *following = context;
    struct task *task = following->task;
    const struct msg_attachment_linked *message = attachment_linked_of(task);
    const struct said *said = &following->said;
    struct err refusal;

    if (!err && !GET(result, 0, ATTACHMENT_LINK_GOOD, attachment_link_is_good)) {
        link_refuse(&refusal);
        err = &refusal;
    }
    if (err) {
        task_fail(task, err);
        return;
    }
    task->envelope.principal.tenant = said->tenant;
    read_by(task, (struct id){0}, said->message, said->ordinal, message->piece);
}

void on_attachment_linked(struct task *task, const struct msg_attachment_linked *message)
{
    struct following *following = ARENA_ALLOC(task->arena, struct following);
    struct pg_params params;
    struct err err;

    *following = (struct following){.task = task};
    if (!token_read(task, message->token, &following->said, &err)) {
        task_fail(task, &err);
        return;
    }
    BIND(&params, ATTACHMENT_LINK_GOOD, .tenant = (int32_t)following->said.tenant,
         .key = (int32_t)following->said.key);
    pg_call(service_pg(task->service), &params, link_judged, following);
}
