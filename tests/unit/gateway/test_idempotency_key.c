#include "gateway/idempotency_key.h"

#include "rows.h"

static const struct key_row {
    const char *name;
    size_t length; // of a key of letters
    char middle;   // one of its characters; 0: also a letter
    bool good;
} key_rows[] = {
    {"one byte", 1, 0, true},         {"255 bytes", 255, 0, true},
    {"256 bytes", 256, 0, false},     {"empty", 0, 0, false},
    {"a space inside", 9, ' ', true}, {"a quotation mark", 9, '"', true},
    {"a tab", 9, '\t', false},        {"the last printable", 9, '~', true},
    {"a delete", 9, 127, false},      {"not ASCII", 9, (char)0xc3, false},
};

ROWS_TEST(idempotency_key, is_1_to_255_printable_bytes, key_rows)
{
    char key[256];
    struct err err = {0};
    memset(key, 'k', sizeof key);
    if (row->middle)
        key[row->length / 2] = row->middle;

    bool good = idempotency_key_check(str_make(key, row->length), &err);

    cr_assert(eq(int, good, row->good), "%s", row->name);
    if (!good)
        cr_assert(eq(int, err.code, ERR_BAD_INPUT), "%s", row->name);
}

static struct id fingerprint(const char *path, const char *query, const char *body)
{
    return idempotency_fingerprint(STR("POST"), str_of(path), query ? str_of(query) : STR_ABSENT,
                                   str_of(body));
}

Test(idempotency_key, distinguishes_requests_by_path_query_and_body)
{
    struct id one = fingerprint("/a", "b=1", "c");

    cr_assert(id_equal(one, fingerprint("/a", "b=1", "c")));
    cr_assert(not(id_equal(one, fingerprint("/b", "b=1", "c"))));
    cr_assert(not(id_equal(one, fingerprint("/a", "b=2", "c"))));
    cr_assert(not(id_equal(one, fingerprint("/a", "b=1", "d"))));
    cr_assert(not(id_equal(one, fingerprint("/a", "b=1c", ""))));
    cr_assert(not(id_equal(one, fingerprint("/a", NULL, "c"))));
}
