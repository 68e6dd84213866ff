// Bytes in any charset: the output is well-formed UTF-8, and within its limit.
#include "tests/fuzz/fuzz.h"

#include "text/charset.h"

FUZZ(bytes)
{
    static const char *const names[] = {
        "",      "utf-8",        "utf-16",  "utf-16le", "utf-16be", "iso-8859-1",
        "gbk",   "big5",         "sjis",    "euc-jp",   "euc-kr",   "utf-32",
        "koi8r", "windows-1255", "tis-620", "mac",      "cp437"};
    const struct charset *charset =
        charset_find(str_of(names[fuzz_choice(&bytes, COUNT_OF(names))]));
    struct str marked = bytes;
    AUTO(buf) text = {0};
    size_t fault;

    (void)charset_find(bytes);
    (void)charset_of_mark(&marked);
    ASSERT(marked.len <= bytes.len);
    charset_decode(charset, bytes, &text);
    ASSERT(str_is_utf8(buf_str(&text), &fault));
    ASSERT(text.len <= bytes.len * 12 + 16);
}
