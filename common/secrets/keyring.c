// keyring: see the header.
#include "secrets/keyring.h"

#include "base/heap.h"
#include "base/random.h"
#include "crypto/crypto.h"

#include <stdlib.h>

enum { KEYS_LIMIT = 32, KEY_ID_BYTES = 8, KEY_ID_CHARS = 2 * KEY_ID_BYTES };

struct key {
    unsigned char bytes[CRYPTO_KEY_BYTES];
    char id[KEY_ID_CHARS + 1];
};

struct keys {
    struct key list[KEYS_LIMIT]; // the first seals
    size_t count;
};

struct keyring {
    keyring_read_fn *read;
    void *context;
    struct arena *arena;
    struct keys keys;
};

// A sealed text, taken apart.
struct sealed_parts {
    bool old;          // "v1|"
    struct str key_id; // of what follows, only in the new form
    struct buf wrapped;
    struct buf bytes; // iv, ciphertext, tag
};

// The public name of a key, which must reveal nothing about it.
static void key_name(struct key *key)
{
    unsigned char mac[SHA256_BYTES];
    AUTO(buf) hex = {0};

    crypto_hmac_sha256(str_make(key->bytes, sizeof key->bytes), STR("nexus key id"), mac);
    buf_hex(&hex, str_make(mac, KEY_ID_BYTES));
    memcpy(key->id, buf_c_string(&hex), sizeof key->id);
}

static bool keys_parse(struct str text, struct keys *keys, struct err *err)
{
    struct str line;

    keys->count = 0;
    while (str_present(text)) {
        AUTO(buf) bytes = {0};
        str_cut(text, '\n', &line, &text);
        line = str_trim(line);
        if (line.len == 0)
            continue;
        if (keys->count == KEYS_LIMIT)
            return err_set(err, ERR_BAD_INPUT, "NEXUS_KEY_ENCRYPTION_KEY has more than %d keys",
                           KEYS_LIMIT);
        if (!buf_unhex(&bytes, line) || bytes.len != CRYPTO_KEY_BYTES)
            return err_set(err, ERR_BAD_INPUT,
                           "NEXUS_KEY_ENCRYPTION_KEY must be %d hex digits a line",
                           CRYPTO_KEY_BYTES * 2);
        struct key *key = &keys->list[keys->count++];
        memcpy(key->bytes, bytes.data, CRYPTO_KEY_BYTES);
        crypto_forget(bytes.data, bytes.len);
        key_name(key);
    }
    return true;
}

bool keyring_check(struct str text, struct err *err)
{
    struct keys keys;
    bool good = keys_parse(text, &keys, err);

    crypto_forget(&keys, sizeof keys);
    return good;
}

bool keyring_reload(struct keyring *ring, struct err *err)
{
    struct keys keys;
    struct str text = STR("");

    arena_reset(ring->arena);
    bool good = ring->read(ring->context, ring->arena, &text, err) && keys_parse(text, &keys, err);
    if (good)
        ring->keys = keys;
    crypto_forget(&keys, sizeof keys);
    return good;
}

struct keyring *keyring_new(keyring_read_fn *read, void *context, struct err *err)
{
    struct keyring *ring = heap_new(sizeof *ring);
    ring->read = read;
    ring->context = context;
    ring->arena = arena_new();
    if (!keyring_reload(ring, err))
        keyring_free(&ring);
    return ring;
}

void keyring_free(struct keyring **ring)
{
    if (!*ring)
        return;
    arena_free(&(*ring)->arena);
    crypto_forget(*ring, sizeof **ring);
    free(*ring);
    *ring = NULL;
}

const char *keyring_key_id(const struct keyring *ring, size_t index)
{
    return index < ring->keys.count ? ring->keys.list[index].id : NULL;
}

static const struct key *key_find(const struct keyring *ring, struct str id)
{
    for (size_t i = 0; i < ring->keys.count; i++)
        if (str_equal(id, str_of(ring->keys.list[i].id)))
            return &ring->keys.list[i];
    return NULL;
}

// The ring may be older than the secret: another process may have read a newer key.
static const struct key *key_find_anew(struct keyring *ring, struct str id)
{
    const struct key *key = key_find(ring, id);
    struct err ignored;

    return key || !keyring_reload(ring, &ignored) ? key : key_find(ring, id);
}

static const struct key *sealing_key(struct keyring *ring, struct err *err)
{
    if (!keyring_reload(ring, err))
        return NULL;
    if (ring->keys.count == 0) {
        err_set(err, ERR_UNAVAILABLE,
                "secrets cannot be sealed: NEXUS_KEY_ENCRYPTION_KEY is not set");
        return NULL;
    }
    return &ring->keys.list[0];
}

// ---- the text

static void wrap_aad(struct buf *aad, struct str key_id)
{
    buf_printf(aad, "data key|%.*s", STR_ARG(key_id));
}

// "v2|" key id "|" base64 (the data key, wrapped) "|"
static void head_write(const struct key *key, const unsigned char data_key[CRYPTO_KEY_BYTES],
                       struct buf *out)
{
    AUTO(buf) aad = {0};
    AUTO(buf) wrapped = {0};

    wrap_aad(&aad, str_of(key->id));
    crypto_aead_seal(key->bytes, buf_str(&aad), str_make(data_key, CRYPTO_KEY_BYTES), &wrapped);
    buf_printf(out, "v2|%s|", key->id);
    buf_base64(out, buf_str(&wrapped));
    buf_byte(out, '|');
}

static void parts_release(struct sealed_parts *parts)
{
    buf_release(&parts->wrapped);
    buf_release(&parts->bytes);
}

static bool parts_read(struct str sealed, struct sealed_parts *parts)
{
    struct str version, first, rest;

    if (!str_cut(sealed, '|', &version, &rest) || !str_cut(rest, '|', &first, &rest))
        return false;
    parts->old = str_equal(version, STR("v1"));
    if (parts->old) // iv | ciphertext and tag
        return buf_unbase64(&parts->bytes, first) && buf_unbase64(&parts->bytes, rest) &&
               parts->bytes.len >= CRYPTO_SEAL_BYTES;
    parts->key_id = first;
    return str_equal(version, STR("v2")) && first.len == KEY_ID_CHARS &&
           str_cut(rest, '|', &first, &rest) && buf_unbase64(&parts->wrapped, first) &&
           parts->wrapped.len == CRYPTO_KEY_BYTES + CRYPTO_SEAL_BYTES &&
           buf_unbase64(&parts->bytes, rest) && parts->bytes.len >= CRYPTO_SEAL_BYTES;
}

bool secret_is_sealed(struct str text)
{
    struct sealed_parts parts = {0};
    bool sealed = parts_read(text, &parts);

    parts_release(&parts);
    return sealed;
}

// ---- sealing and opening

bool keyring_seal(struct keyring *ring, struct str aad, struct str plain, struct buf *sealed,
                  struct err *err)
{
    const struct key *key = sealing_key(ring, err);
    unsigned char data_key[CRYPTO_KEY_BYTES];
    AUTO(buf) bytes = {0};

    if (!key)
        return false;
    random_bytes(data_key, sizeof data_key);
    crypto_aead_seal(data_key, aad, plain, &bytes);
    head_write(key, data_key, sealed);
    buf_base64(sealed, buf_str(&bytes));
    crypto_forget(data_key, sizeof data_key);
    return true;
}

static bool open_old(struct keyring *ring, struct str aad, const struct sealed_parts *parts,
                     struct buf *plain)
{
    for (size_t i = 0; i < ring->keys.count; i++)
        if (crypto_aead_open(ring->keys.list[i].bytes, aad, buf_str(&parts->bytes), plain))
            return true;
    return false;
}

// data_key has room for one key; the caller forgets it.
static bool unwrap(struct keyring *ring, const struct sealed_parts *parts, struct buf *data_key,
                   struct err *err)
{
    const struct key *key = key_find_anew(ring, parts->key_id);
    AUTO(buf) aad = {0};

    if (!key)
        return err_set(err, ERR_INTERNAL,
                       "a secret is sealed under key %.*s, which is missing here",
                       STR_ARG(parts->key_id));
    wrap_aad(&aad, parts->key_id);
    if (!crypto_aead_open(key->bytes, buf_str(&aad), buf_str(&parts->wrapped), data_key) ||
        data_key->len != CRYPTO_KEY_BYTES)
        return err_set(err, ERR_INTERNAL, "the data key of a secret does not open");
    return true;
}

static bool open_new(struct keyring *ring, struct str aad, const struct sealed_parts *parts,
                     struct buf *plain, struct err *err)
{
    AUTO(buf) data_key = {0};

    if (!unwrap(ring, parts, &data_key, err))
        return false;
    bool opened =
        crypto_aead_open((const unsigned char *)data_key.data, aad, buf_str(&parts->bytes), plain);
    crypto_forget(data_key.data, data_key.len);
    return opened ||
           err_set(err, ERR_INTERNAL, "a sealed secret does not open: it was moved from its place");
}

bool keyring_open(struct keyring *ring, struct str aad, struct str sealed, struct buf *plain,
                  struct err *err)
{
    struct sealed_parts parts = {0};
    struct err ignored;
    bool opened;

    if (!parts_read(sealed, &parts))
        opened = err_set(err, ERR_INTERNAL, "the form of a sealed secret is not known");
    else if (!parts.old)
        opened = open_new(ring, aad, &parts, plain, err);
    else
        opened = open_old(ring, aad, &parts, plain) ||
                 (keyring_reload(ring, &ignored) && open_old(ring, aad, &parts, plain)) ||
                 err_set(err, ERR_INTERNAL,
                         "a sealed secret does not open: another key, or moved from its place");
    parts_release(&parts);
    return opened;
}

static bool rewrap_new(struct keyring *ring, const struct sealed_parts *parts, struct str sealed,
                       struct buf *out, struct err *err)
{
    const struct key *first = sealing_key(ring, err);
    AUTO(buf) data_key = {0};

    if (!first)
        return false;
    if (str_equal(parts->key_id, str_of(first->id))) {
        buf_str_append(out, sealed);
        return true;
    }
    if (!unwrap(ring, parts, &data_key, err))
        return false;
    head_write(first, (const unsigned char *)data_key.data, out);
    buf_base64(out, buf_str(&parts->bytes));
    crypto_forget(data_key.data, data_key.len);
    return true;
}

static bool reseal(struct keyring *ring, struct str aad, struct str sealed, struct buf *out,
                   struct err *err)
{
    AUTO(buf) plain = {0};

    if (!keyring_open(ring, aad, sealed, &plain, err))
        return false;
    bool done = keyring_seal(ring, aad, buf_str(&plain), out, err);
    crypto_forget(plain.data, plain.len);
    return done;
}

bool keyring_rewrap(struct keyring *ring, struct str aad, struct str sealed, struct buf *out,
                    struct err *err)
{
    struct sealed_parts parts = {0};
    bool done;

    if (!parts_read(sealed, &parts))
        done = err_set(err, ERR_INTERNAL, "the form of a sealed secret is not known");
    else
        done = parts.old ? reseal(ring, aad, sealed, out, err)
                         : rewrap_new(ring, &parts, sealed, out, err);
    parts_release(&parts);
    return done;
}

bool keyring_adopt(struct keyring *ring, struct str aad, struct str stored, struct buf *plain,
                   struct buf *sealed, struct err *err)
{
    if (secret_is_sealed(stored))
        return keyring_open(ring, aad, stored, plain, err);
    if (!keyring_seal(ring, aad, stored, sealed, err))
        return false;
    buf_str_append(plain, stored);
    return true;
}
