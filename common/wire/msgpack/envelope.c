// envelope: a flat array. A message is identified by its name, not by its number: numbers change
// when a row is inserted into messages.def, and then two builds would not understand each other.
#include "wire/msgpack/envelope.h"

#include "wire/msgpack/msgpack_bounds.h"
#include "wire/msgpack/msgpack_values.h"

enum envelope_member {
    REQUEST,
    MESSAGE,
    TENANT,
    KEY,
    NAME,
    PARTITION,
    OPERATION,
    DEADLINE,
    TRACEPARENT,
    IDEMPOTENCY_KEY,
    FINGERPRINT,
    CREDENTIAL,
    ADDRESS,
    IF_MATCH,
    IF_NONE_MATCH,
    PROOF,
    MEMBER_COUNT
};

// The members of PROOF, a nested array; nil if there are none.
enum proof_member {
    IS_DEMANDED,
    IS_PARTIAL,
    IS_CUT,
    HUB_SHA1,
    HUB_SHA256,
    WEBHOOK_ID,
    WEBHOOK_TIMESTAMP,
    WEBHOOK_SIGNATURE,
    BODY,
    INFLATED,
    PROOF_MEMBERS_AT_LEAST,
    STORED = PROOF_MEMBERS_AT_LEAST, // earlier builds do not send the following members
    STORED_BYTES,
    PACKING,
    PROOF_MEMBER_COUNT
};

void envelope_texts(struct envelope *envelope, struct str *texts[static ENVELOPE_TEXTS])
{
    struct proof *proof = &envelope->proof;
    struct str *all[] = {
        &envelope->principal.name,
        &envelope->traceparent,
        &envelope->idempotency_key,
        &envelope->credential,
        &envelope->address,
        &envelope->if_match,
        &envelope->if_none_match,
        &proof->hub_sha1,
        &proof->hub_sha256,
        &proof->id,
        &proof->timestamp,
        &proof->standard,
        &proof->body,
        &proof->inflated,
    };

    _Static_assert(COUNT_OF(all) == ENVELOPE_TEXTS, "all of them");
    memcpy(texts, all, sizeof all);
}

// Headers come from the sender and may not be UTF-8, so they are sent as bytes.
static void pack_bytes(msgpack_packer *packer, struct str bytes)
{
    if (str_present(bytes))
        values_pack_bytes(packer, bytes);
    else
        msgpack_pack_nil(packer);
}

static void pack_flag(msgpack_packer *packer, bool flag)
{
    if (flag)
        msgpack_pack_true(packer);
    else
        msgpack_pack_false(packer);
}

static void pack_proof(msgpack_packer *packer, const struct proof *proof)
{
    if (!proof_is_shown(proof) && !proof->is_demanded) {
        msgpack_pack_nil(packer);
        return;
    }
    msgpack_pack_array(packer, PROOF_MEMBER_COUNT);
    pack_flag(packer, proof->is_demanded);
    pack_flag(packer, proof->is_partial);
    pack_flag(packer, proof->is_cut);
    pack_bytes(packer, proof->hub_sha1);
    pack_bytes(packer, proof->hub_sha256);
    pack_bytes(packer, proof->id);
    pack_bytes(packer, proof->timestamp);
    pack_bytes(packer, proof->standard);
    pack_bytes(packer, proof->body);
    pack_bytes(packer, proof->inflated);
    values_pack_id(packer, proof->stored);
    msgpack_pack_uint32(packer, proof->stored_bytes);
    msgpack_pack_uint32(packer, proof->packing);
}

void envelope_encode(const struct envelope *envelope, struct buf *out)
{
    const struct message_type *type = message_type(envelope->message);
    msgpack_packer packer;

    values_packer(&packer, out);
    msgpack_pack_array(&packer, MEMBER_COUNT);
    msgpack_pack_uint64(&packer, envelope->request);
    values_pack_text(&packer, type ? type->name : STR_ABSENT);
    msgpack_pack_uint32(&packer, envelope->principal.tenant);
    msgpack_pack_uint32(&packer, envelope->principal.key);
    values_pack_text(&packer, envelope->principal.name);
    msgpack_pack_uint64(&packer, envelope->partition);
    values_pack_id(&packer, envelope->operation);
    msgpack_pack_uint32(&packer, envelope->deadline_ms);
    values_pack_text(&packer, envelope->traceparent);
    values_pack_text(&packer, envelope->idempotency_key);
    values_pack_id(&packer, envelope->fingerprint);
    values_pack_text(&packer, envelope->credential);
    values_pack_text(&packer, envelope->address);
    values_pack_text(&packer, envelope->if_match);
    values_pack_text(&packer, envelope->if_none_match);
    pack_proof(&packer, &envelope->proof);
}

static bool read_u64(const msgpack_object *value, uint64_t *number)
{
    if (value->type != MSGPACK_OBJECT_POSITIVE_INTEGER)
        return false;
    *number = value->via.u64;
    return true;
}

static bool read_optional_text(const msgpack_object *value, struct str *text)
{
    return value->type == MSGPACK_OBJECT_NIL || values_read_text(value, text);
}

static bool read_optional_id(const msgpack_object *value, struct id *id)
{
    return value->type == MSGPACK_OBJECT_NIL || values_read_id(value, id);
}

static bool read_message(const msgpack_object *value, enum message_id *message)
{
    struct str name;

    if (!values_read_text(value, &name))
        return false;
    *message = message_named(name);
    return true;
}

static bool read_optional_bytes(const msgpack_object *value, struct str *bytes)
{
    return value->type == MSGPACK_OBJECT_NIL || values_read_bytes(value, bytes);
}

static bool read_stored(const msgpack_object *members, size_t count, struct proof *proof)
{
    return count < PROOF_MEMBER_COUNT ||
           (read_optional_id(&members[STORED], &proof->stored) &&
            values_read_u32(&members[STORED_BYTES], &proof->stored_bytes) &&
            values_read_u32(&members[PACKING], &proof->packing) && proof->packing <= PROOF_DEFLATE);
}

static bool read_proof(const msgpack_object *value, struct proof *proof)
{
    const msgpack_object *members = value->via.array.ptr;

    if (value->type == MSGPACK_OBJECT_NIL)
        return true;
    return value->type == MSGPACK_OBJECT_ARRAY && value->via.array.size >= PROOF_MEMBERS_AT_LEAST &&
           read_stored(members, value->via.array.size, proof) &&
           values_read_flag(&members[IS_DEMANDED], &proof->is_demanded) &&
           values_read_flag(&members[IS_PARTIAL], &proof->is_partial) &&
           values_read_flag(&members[IS_CUT], &proof->is_cut) &&
           read_optional_bytes(&members[HUB_SHA1], &proof->hub_sha1) &&
           read_optional_bytes(&members[HUB_SHA256], &proof->hub_sha256) &&
           read_optional_bytes(&members[WEBHOOK_ID], &proof->id) &&
           read_optional_bytes(&members[WEBHOOK_TIMESTAMP], &proof->timestamp) &&
           read_optional_bytes(&members[WEBHOOK_SIGNATURE], &proof->standard) &&
           read_optional_bytes(&members[BODY], &proof->body) &&
           read_optional_bytes(&members[INFLATED], &proof->inflated);
}

static bool members_read(const msgpack_object *array, struct envelope *envelope)
{
    static const msgpack_object nil = {.type = MSGPACK_OBJECT_NIL};
    const msgpack_object *members[MEMBER_COUNT];

    if (array->type != MSGPACK_OBJECT_ARRAY)
        return false;
    for (size_t i = 0; i < MEMBER_COUNT; i++)
        members[i] = i < array->via.array.size ? &array->via.array.ptr[i] : &nil;
    return read_u64(members[REQUEST], &envelope->request) &&
           read_message(members[MESSAGE], &envelope->message) &&
           values_read_u32(members[TENANT], &envelope->principal.tenant) &&
           values_read_u32(members[KEY], &envelope->principal.key) &&
           read_optional_text(members[NAME], &envelope->principal.name) &&
           read_u64(members[PARTITION], &envelope->partition) &&
           read_optional_id(members[OPERATION], &envelope->operation) &&
           values_read_u32(members[DEADLINE], &envelope->deadline_ms) &&
           read_optional_text(members[TRACEPARENT], &envelope->traceparent) &&
           read_optional_text(members[IDEMPOTENCY_KEY], &envelope->idempotency_key) &&
           read_optional_id(members[FINGERPRINT], &envelope->fingerprint) &&
           read_optional_text(members[CREDENTIAL], &envelope->credential) &&
           read_optional_text(members[ADDRESS], &envelope->address) &&
           read_optional_text(members[IF_MATCH], &envelope->if_match) &&
           read_optional_text(members[IF_NONE_MATCH], &envelope->if_none_match) &&
           read_proof(members[PROOF], &envelope->proof);
}

bool envelope_decode(struct str bytes, struct envelope *envelope, struct err *err)
{
    struct envelope decoded = {0};
    msgpack_unpacked unpacked;
    size_t offset = 0;

    if (!msgpack_is_bounded(bytes))
        return err_set(err, ERR_BAD_INPUT, "envelope: not well-formed");
    msgpack_unpacked_init(&unpacked);
    bool ok =
        msgpack_unpack_next(&unpacked, bytes.ptr, bytes.len, &offset) == MSGPACK_UNPACK_SUCCESS &&
        members_read(&unpacked.data, &decoded);
    msgpack_unpacked_destroy(&unpacked);
    if (!ok)
        return err_set(err, ERR_BAD_INPUT, "envelope: a member is missing or of another type");
    *envelope = decoded;
    return true;
}
