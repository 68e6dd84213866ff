// msgpack_values: see the header.
#include "wire/msgpack/msgpack_values.h"

static int append(void *out, const char *bytes, size_t count)
{
    buf_append(out, bytes, count);
    return 0;
}

void values_packer(msgpack_packer *packer, struct buf *out)
{
    msgpack_packer_init(packer, out, append);
}

void values_pack_text(msgpack_packer *packer, struct str text)
{
    if (!str_present(text)) {
        msgpack_pack_nil(packer);
        return;
    }
    msgpack_pack_str(packer, text.len);
    msgpack_pack_str_body(packer, text.ptr, text.len);
}

void values_pack_bytes(msgpack_packer *packer, struct str bytes)
{
    if (!str_present(bytes)) {
        msgpack_pack_nil(packer);
        return;
    }
    msgpack_pack_bin(packer, bytes.len);
    msgpack_pack_bin_body(packer, bytes.ptr, bytes.len);
}

void values_pack_id(msgpack_packer *packer, struct id id)
{
    if (id_is_none(id)) {
        msgpack_pack_nil(packer);
        return;
    }
    msgpack_pack_bin(packer, sizeof id.bytes);
    msgpack_pack_bin_body(packer, id.bytes, sizeof id.bytes);
}

bool values_read_text(const msgpack_object *value, struct str *text)
{
    if (value->type != MSGPACK_OBJECT_STR)
        return false;
    // Empty text comes from msgpack-c with any pointer, NULL too, which would mean absent.
    *text = value->via.str.size ? str_make(value->via.str.ptr, value->via.str.size) : STR("");
    return true;
}

bool values_read_bytes(const msgpack_object *value, struct str *bytes)
{
    if (value->type != MSGPACK_OBJECT_BIN)
        return false;
    *bytes = value->via.bin.size ? str_make(value->via.bin.ptr, value->via.bin.size) : STR("");
    return true;
}

bool values_read_id(const msgpack_object *value, struct id *id)
{
    if (value->type != MSGPACK_OBJECT_BIN || value->via.bin.size != sizeof id->bytes)
        return false;
    memcpy(id->bytes, value->via.bin.ptr, sizeof id->bytes);
    return true;
}

bool values_read_u32(const msgpack_object *value, uint32_t *number)
{
    if (value->type != MSGPACK_OBJECT_POSITIVE_INTEGER || value->via.u64 > UINT32_MAX)
        return false;
    *number = (uint32_t)value->via.u64;
    return true;
}

bool values_read_flag(const msgpack_object *value, bool *flag)
{
    if (value->type != MSGPACK_OBJECT_BOOLEAN)
        return false;
    *flag = value->via.boolean;
    return true;
}
