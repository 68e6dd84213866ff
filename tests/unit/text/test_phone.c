#include "text/phone.h"

#include "base/buf.h"
#include "rows.h"

static const struct phone_row {
    const char *text;
    const char *want; // NULL: refused
} phone_rows[] = {
    {"+14155550123", "+14155550123"},
    {"14155550123", "+14155550123"},
    {"1234567", "+1234567"},
    {"+1234567", "+1234567"},
    {"123456789012345", "+123456789012345"},
    {"12345", "12345"},
    {"+12345", "12345"},
    {"123456", "123456"},
    {"123", "123"},
    {"+1 415 555 0123", "+14155550123"},
    {"+1 (415) 555-0123", "+14155550123"},
    {"415-555-0123", "+4155550123"},
    {"1.415.555.0123", "+14155550123"},
    {"14155550123.0", "+14155550123"},
    {" 14155550123 ", "+14155550123"},
    {"0014155550123", "+14155550123"},
    {"+0014155550123", "+14155550123"},
    {"00 49 171 1234567", "+491711234567"},
    {"+49 (0) 171 / 123 45 67", "+491711234567"},
    {"tel:+1-415-555-0123", "+14155550123"},
    {"TEL:+14155550123;ext=7", "+14155550123"},
    {"sms:+14155550123?body=hi", "+14155550123"},
    {"+1\xC2\xA0"
     "415\xC2\xA0"
     "5550123",
     "+14155550123"},                                         // no-break spaces
    {"\xE2\x80\xAA+14155550123\xE2\x80\xAC", "+14155550123"}, // marks of direction
    {"\xEF\xBB\xBF+14155550123", "+14155550123"},             // byte order mark
    {"+1\xE2\x80\x91"
     "415\xE2\x80\x93"
     "5550123",
     "+14155550123"}, // other characters that look like hyphens
    {"\xEF\xBC\x8B\xEF\xBC\x91\xEF\xBC\x94\xEF\xBC\x91\xEF\xBC\x95"
     "5550123",
     "+14155550123"},                    // full width
    {"\xD9\xA1\xD9\xA2\xD9\xA3", "123"}, // Arabic digits
    {"01711234567", "01711234567"},      // the country is not known
    {"+01711234567", "01711234567"},
    {"+49 (0) 171 1234567", "+491711234567"},
    {"+1415555(0)123", "+14155550123"},
    {"12", NULL},
    {"1234567890123456", NULL},
    {"00123456789012345678901234", NULL},
    {"", NULL},
    {"+", NULL},
    {"++14155550123", "+14155550123"},
    {"1+4155550123", NULL},
    {"14155550123x", NULL},
    {"14155550123 ext. 7", NULL},
    {"NEXUS", NULL},
    {"tel:", NULL},
    {"fax:+14155550123", NULL},
    {"+1415555012\xEF\xBC", NULL},
};

ROWS_TEST(phone, gives_each_number_one_spelling, phone_rows)
{
    char out[PHONE_MAX];
    size_t length;

    bool good = phone_normalize(str_of(row->text), out, &length);

    cr_assert(eq(int, good, row->want != NULL), "%s", row->text);
    if (good)
        cr_assert(str_equal(str_make(out, length), str_of(row->want)), "%s", row->text);
}

ROWS_TEST(phone, leaves_a_normal_number_as_it_is, phone_rows)
{
    char out[PHONE_MAX];
    size_t length;

    if (row->want) {
        cr_assert(phone_normalize(str_of(row->want), out, &length));
        cr_assert(str_equal(str_make(out, length), str_of(row->want)));
    }
}

static const struct sender_row {
    const char *home, *text;
    const char *want; // NULL: refused
} sender_rows[] = {
    {"+18445551212", "4155550123", "+14155550123"},
    {"+18445551212", "(415) 555-0123", "+14155550123"},
    {"+18445551212", "14155550123", "+14155550123"},
    {"+18445551212", "01149 171 1234567", "+491711234567"},
    {"+18445551212", "+4155550123", "+4155550123"}, // says which country
    {"+18445551212", "1234567890", "+1234567890"},  // no area code begins with 1
    {"+18445551212", "4510550123",
     "+4510550123"}, // no exchange begins with 0; Denmark has such numbers
    {"+18445551212", "5551230001", "+15551230001"}, // no other country has such numbers
    {"+18445551212", "(555) 023-0001", "+15550230001"},
    {"+18445551212", "72345", "72345"},
    {"+491711234567", "0171 7654321", "+491717654321"},
    {"+491711234567", "491717654321", "+491717654321"},
    {"+491711234567", "0049 171 7654321", "+491717654321"},
    {"+491711234567", "+1 415 555 0123", "+14155550123"},
    {"+491711234567", "4155550123", "+4155550123"},
    {"+447700900000", "07700 900123", "+447700900123"},
    {"+33612345678", "06 12 34 56 79", "+33612345679"},
    {"+33612345678", "06 12 34 56", "06123456"}, // too short for France
    {"+61400000000", "0011 1 415 555 0123", "+14155550123"},
    {"+61400000000", "0491 570 006", "+61491570006"},
    {"+81312345678", "010 1 415 555 0123", "+14155550123"},
    {"+81312345678", "090-1234-5678", "+819012345678"},
    {"+390612345678", "0612345679", "0612345679"}, // the 0 of Italy belongs to the number
    {"12345", "0171 7654321", "01717654321"},
    {"12345", "4155550123", "+4155550123"},
    {NULL, "4155550123", "+4155550123"},
    {NULL, "+14155550123/TYPE=PLMN", "+14155550123"},
    {NULL, "+14155550123;phone-context=example", "+14155550123"},
    {NULL, "14155550123@mms.example", "+14155550123"},
    {NULL, "smsto:+14155550123", "+14155550123"},
    {NULL, "whatsapp:+14155550123", "+14155550123"},
    {NULL, "<+14155550123>", "+14155550123"},
    {NULL, "'+14155550123'", "+14155550123"},
    {NULL, "%2B14155550123", "+14155550123"},
    {NULL, "Info:12345", "Info:12345"},
    {NULL, "a@b.example", "a@b.example"},
    {NULL, "MYBANK", "MYBANK"},
    {NULL, " MyBank ", "MyBank"},
    {NULL, "7-Eleven", "7-Eleven"},
    {NULL, "M\xC3\xBCller & Co", "M\xC3\xBCller & Co"},
    {NULL, "12", "12"},
    {NULL, "ELEVENCHARS", "ELEVENCHARS"},
    {NULL, "A customer of ours", "A customer of ours"},
    {NULL, "jane.doe@mail.example", "jane.doe@mail.example"},
    {NULL, "14155550123x", "14155550123x"},
    {NULL, "12345678901234567", "12345678901234567"},
    {NULL, "", NULL},
    {NULL, "  ", NULL},
    {NULL, "MY\x01\xC2\x80\x7F BANK", "MY\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD BANK"},
    {NULL, "MYBANK\xFF", NULL},
};

ROWS_TEST(phone, gives_each_sender_one_spelling_by_the_number_that_was_written_to, sender_rows)
{
    char out[SENDER_MAX], again[SENDER_MAX];
    size_t length, same;

    bool good = sender_normalize(str_of(row->text), str_of(row->home), out, &length);

    cr_assert(eq(int, good, row->want != NULL), "%s", row->text);
    if (!good)
        return;
    cr_assert(str_equal(str_make(out, length), str_of(row->want)), "%s", row->text);
    cr_assert(sender_normalize(str_make(out, length), STR_ABSENT, again, &same));
    cr_assert(str_equal(str_make(again, same), str_of(row->want)), "%s", row->text);
}

static const struct meanings_row {
    const char *text;
    const char *want; // the spellings, each with "/code" if it has one
} meanings_rows[] = {
    {"+14155550123", "+14155550123"},
    {"(415) 555-0123", "+4155550123 +14155550123/1"},
    {"0111 415 555 0123", "01114155550123 +14155550123/1 +431114155550123/43 +491114155550123/49"},
    {"MYBANK", "MYBANK"},
    {"A NAME OF ANY LENGTH", "A NAME OF ANY LENGTH"},
    {"", ""},
};

ROWS_TEST(phone, lists_the_senders_that_a_text_may_mean, meanings_rows)
{
    struct sender_meaning meanings[SENDER_MEANINGS_MAX];
    AUTO(buf) got = {0};

    size_t count = sender_meanings(str_of(row->text), meanings);

    for (size_t i = 0; i < count; i++) {
        buf_printf(&got, "%s%.*s", i ? " " : "", (int)meanings[i].length, meanings[i].text);
        if (str_present(meanings[i].code))
            buf_printf(&got, "/%.*s", STR_ARG(meanings[i].code));
    }
    cr_assert(eq(str, (char *)buf_c_string(&got), (char *)row->want));
}
