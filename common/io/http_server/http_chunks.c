// http_chunks: one state for each place in the grammar; one byte at a time, except the data.
#include "io/http_server/http_chunks.h"

#include "io/http_server/http_framing.h"

enum { SIZE_DIGITS_LIMIT = 8 };

static bool bad(struct err *err, const char *rule)
{
    return err_set(err, ERR_BAD_REQUEST, "chunked body: %s", rule);
}

static bool size_digit(struct http_chunks *chunks, char byte, struct err *err)
{
    int value = byte >= '0' && byte <= '9'   ? byte - '0'
                : byte >= 'a' && byte <= 'f' ? byte - 'a' + 10
                : byte >= 'A' && byte <= 'F' ? byte - 'A' + 10
                                             : -1;

    if (value < 0 || ++chunks->digits > SIZE_DIGITS_LIMIT)
        return bad(err, "a chunk's size is 1 to 8 hexadecimal digits");
    chunks->left = chunks->left << 4 | (uint64_t)value;
    return true;
}

static bool size_take(struct http_chunks *chunks, char byte, struct err *err)
{
    if (chunks->digits > 0 && byte == '\r')
        chunks->at = CHUNK_SIZE_LF;
    else if (chunks->digits > 0 && byte == ';')
        chunks->at = CHUNK_EXTENSION;
    else
        return size_digit(chunks, byte, err);
    return true;
}

static bool is_control(char byte)
{
    return ((unsigned char)byte < 0x20 && byte != '\t') || byte == 0x7f;
}

static bool extension_take(struct http_chunks *chunks, char byte, struct err *err)
{
    if (++chunks->extensions > HTTP_CHUNK_EXTENSIONS_LIMIT)
        return bad(err, "its extensions are longer than 4096 bytes");
    if (byte == '\r')
        chunks->at = CHUNK_SIZE_LF;
    else if (is_control(byte))
        return bad(err, "an extension holds a control character");
    return true;
}

static void size_end(struct http_chunks *chunks)
{
    chunks->at = chunks->left > 0 ? CHUNK_DATA : CHUNK_TRAILER;
    chunks->data += chunks->left;
    chunks->digits = 0;
}

static bool trailer_take(struct http_chunks *chunks, char byte, struct err *err)
{
    if (++chunks->trailers > HTTP_TRAILERS_LIMIT)
        return bad(err, "its trailers are longer than 4096 bytes");
    if (chunks->at == CHUNK_TRAILER && byte == '\r')
        chunks->at = CHUNK_LAST_LF;
    else if (chunks->at == CHUNK_TRAILER_NAME && byte == ':')
        chunks->at = CHUNK_TRAILER_VALUE;
    else if (chunks->at == CHUNK_TRAILER_VALUE && byte == '\r')
        chunks->at = CHUNK_TRAILER_LF;
    else if (chunks->at == CHUNK_TRAILER_VALUE ? is_control(byte) : !http_is_token_byte(byte))
        return bad(err, "a trailer line is a name, a colon at once and a value");
    else if (chunks->at == CHUNK_TRAILER)
        chunks->at = CHUNK_TRAILER_NAME;
    return true;
}

// Where the grammar wants exactly this byte.
static bool only(char byte, char wanted, struct err *err)
{
    return byte == wanted || bad(err, "its lines and its data end in CR LF, nowhere else");
}

static bool byte_take(struct http_chunks *chunks, char byte, struct err *err)
{
    switch (chunks->at) {
    case CHUNK_SIZE: return size_take(chunks, byte, err);
    case CHUNK_EXTENSION: return extension_take(chunks, byte, err);
    case CHUNK_TRAILER:
    case CHUNK_TRAILER_NAME:
    case CHUNK_TRAILER_VALUE: return trailer_take(chunks, byte, err);
    case CHUNK_SIZE_LF: size_end(chunks); return only(byte, '\n', err);
    case CHUNK_DATA_CR: chunks->at = CHUNK_DATA_LF; return only(byte, '\r', err);
    case CHUNK_DATA_LF: chunks->at = CHUNK_SIZE; return only(byte, '\n', err);
    case CHUNK_TRAILER_LF: chunks->at = CHUNK_TRAILER; return only(byte, '\n', err);
    case CHUNK_LAST_LF: chunks->at = CHUNKS_ENDED; return only(byte, '\n', err);
    case CHUNK_DATA:
    case CHUNKS_ENDED: break;
    }
    return true;
}

bool http_chunks_read(struct http_chunks *chunks, struct str bytes, size_t *used, struct buf *data,
                      struct err *err)
{
    size_t at = 0;

    while (at < bytes.len && chunks->at != CHUNKS_ENDED) {
        if (chunks->at == CHUNK_DATA) {
            size_t length = bytes.len - at < chunks->left ? bytes.len - at : (size_t)chunks->left;
            if (data)
                buf_append(data, bytes.ptr + at, length);
            at += length;
            chunks->left -= length;
            if (chunks->left == 0)
                chunks->at = CHUNK_DATA_CR;
        } else if (!byte_take(chunks, bytes.ptr[at++], err)) {
            return false;
        }
    }
    *used = at;
    return true;
}
