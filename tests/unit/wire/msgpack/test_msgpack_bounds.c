#include "wire/msgpack/msgpack_bounds.h"

#include "base/buf.h"
#include "rows.h"

static const struct bounds_row {
    const char *name;
    const char *hex;
    bool good;
} bounds_rows[] = {
    {"nothing", "", false},
    {"nil", "c0", true},
    {"a small integer", "7f", true},
    {"a negative integer", "e0", true},
    {"the byte that is never used", "c1", false},
    {"an empty array", "90", true},
    {"an empty map", "80", true},
    {"an array of two", "920102", true},
    {"an array that lacks one", "9201", false},
    {"something after the value", "c0c0", false},
    {"a map of one", "81a16101", true},
    {"a map without its value", "81a161", false},
    {"short text", "a3616263", true},
    {"short text cut off", "a36162", false},
    {"text with a one-byte length", "d903616263", true},
    {"text longer than what follows", "d90461626300", true},
    {"text cut off", "d904616263", false},
    {"text whose length is cut off", "da00", false},
    {"text of four gigabytes", "dbffffffff", false},
    {"bin of four gigabytes", "c6ffffffff", false},
    {"an array of four billion", "ddffffffff", false},
    {"a map of four billion", "dfffffffff", false},
    {"a map of two billion", "df80000000", false},
    {"an array of 65535", "dcffff", false},
    {"a float", "ca3f800000", true},
    {"a double cut off", "cb3ff00000000000", false},
    {"an unsigned 64 bit", "cfffffffffffffffff", true},
    {"fixed ext", "d40100", false},
    {"ext of any size", "c7010100", false},
    {"a timestamp", "d6ff00000000", false},
    {"ext inside an array", "91d40100", false},
    {"16 levels", "91919191919191919191919191919190", true},
    {"17 levels", "9191919191919191919191919191919190", false},
    {"containers that end together, then more", "92929293010203040506", true},
};

ROWS_TEST(msgpack_bounds, takes_one_well_formed_value, bounds_rows)
{
    AUTO(buf) bytes = {0};
    cr_assert(buf_unhex(&bytes, str_of(row->hex)));

    cr_assert(eq(int, msgpack_is_bounded(buf_str(&bytes)), row->good), "%s", row->name);
}

Test(msgpack_bounds, refuses_more_than_a_mebibyte)
{
    AUTO(buf) bytes = {0};
    size_t length = MSGPACK_BYTES_LIMIT - 5;
    buf_append(&bytes, (unsigned char[]){0xC6, 0, 0x0F, 0xFF, 0xFB}, 5);
    memset(buf_reserve(&bytes, length + 1), 'x', length + 1);
    bytes.len += length;

    cr_assert(msgpack_is_bounded(buf_str(&bytes)));
    bytes.data[4]++;
    bytes.len++;
    cr_assert(not(msgpack_is_bounded(buf_str(&bytes))));
}
