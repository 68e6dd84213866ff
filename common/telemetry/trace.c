// trace: see the header. Hex is lower case on both sides, as both specifications want it.
#include "telemetry/trace.h"

// ---- reading

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// count digits, at most 16.
static bool number_read(const char *text, size_t count, uint64_t *number)
{
    uint64_t read = 0;

    for (size_t i = 0; i < count; i++) {
        int digit = digit_of(text[i]);
        if (digit < 0)
            return false;
        read = read << 4 | (uint64_t)digit;
    }
    *number = read;
    return true;
}

static bool id_read(struct str text, struct trace *trace)
{
    size_t high = text.len == TRACE_ID_LENGTH ? TRACE_SPAN_LENGTH : 0;

    return (text.len == TRACE_ID_LENGTH || text.len == TRACE_SPAN_LENGTH) &&
           number_read(text.ptr, high, &trace->high) &&
           number_read(text.ptr + high, TRACE_SPAN_LENGTH, &trace->low) && !trace_is_none(trace);
}

static bool span_read(struct str text, struct trace *trace)
{
    return text.len == TRACE_SPAN_LENGTH && number_read(text.ptr, text.len, &trace->span) &&
           trace->span != 0;
}

bool trace_parse(struct str text, struct trace *trace)
{
    enum {
        VERSION_END = 2,
        ID = 3,
        ID_END = 35,
        SPAN = 36,
        SPAN_END = 52,
        FLAGS = 53,
        NEVER = 0xff
    };
    struct trace read = {0};
    uint64_t version, flags;

    if (text.len < TRACE_PARENT_LENGTH || !number_read(text.ptr, VERSION_END, &version) ||
        version == NEVER || (version == 0 && text.len != TRACE_PARENT_LENGTH) ||
        (text.len > TRACE_PARENT_LENGTH && text.ptr[TRACE_PARENT_LENGTH] != '-'))
        return false;
    if (text.ptr[VERSION_END] != '-' || text.ptr[ID_END] != '-' || text.ptr[SPAN_END] != '-' ||
        !id_read(str_make(text.ptr + ID, TRACE_ID_LENGTH), &read) ||
        !span_read(str_make(text.ptr + SPAN, TRACE_SPAN_LENGTH), &read) ||
        !number_read(text.ptr + FLAGS, 2, &flags))
        return false;
    read.flags = flags & TRACE_SAMPLED;
    *trace = read;
    return true;
}

bool trace_parse_b3(struct str b3, struct trace *trace)
{
    struct trace read = {0}, parent = {0};
    struct str id, span, sampled, rest;

    str_cut(b3, '-', &id, &rest);
    str_cut(rest, '-', &span, &rest);
    str_cut(rest, '-', &sampled, &rest);
    if (!str_present(span) || !id_read(id, &read) || !span_read(span, &read))
        return false; // "0" alone, which asks for nothing to be recorded, names no trace
    if (str_present(rest) && !span_read(rest, &parent))
        return false;
    if (str_equal(sampled, STR("1")) || str_equal(sampled, STR("d")))
        read.flags = TRACE_SAMPLED;
    else if (str_present(sampled) && !str_equal(sampled, STR("0")))
        return false;
    *trace = read;
    return true;
}

bool trace_parse_b3_headers(struct str trace_id, struct str span_id, struct str sampled,
                            struct str flags, struct trace *trace)
{
    struct trace read = {0};

    if (!str_present(trace_id) || !str_present(span_id) || !id_read(trace_id, &read) ||
        !span_read(span_id, &read))
        return false;
    // Old tracers wrote "true"; flags 1 is "debug", which implies sampled.
    if (str_equal(sampled, STR("1")) || str_equal(sampled, STR("true")) ||
        str_equal(flags, STR("1")))
        read.flags = TRACE_SAMPLED;
    *trace = read;
    return true;
}

// ---- making

uint64_t trace_span_new(struct random *random)
{
    uint64_t span = random_next(random);

    return span ? span : 1;
}

struct trace trace_new(struct random *random)
{
    uint64_t high = random_next(random);

    return (struct trace){high, trace_span_new(random), trace_span_new(random), 0};
}

static char *number_write(char *at, uint64_t number)
{
    for (int shift = 60; shift >= 0; shift -= 4)
        *at++ = "0123456789abcdef"[number >> shift & 15];
    return at;
}

struct str trace_id_text(const struct trace *trace, char text[static TRACE_ID_LENGTH])
{
    number_write(number_write(text, trace->high), trace->low);
    return str_make(text, TRACE_ID_LENGTH);
}

struct str trace_span_text(uint64_t span, char text[static TRACE_SPAN_LENGTH])
{
    number_write(text, span);
    return str_make(text, TRACE_SPAN_LENGTH);
}

struct str trace_text(const struct trace *trace, char text[static TRACE_PARENT_LENGTH])
{
    memcpy(text, "00-", 3);
    char *at = number_write(number_write(text + 3, trace->high), trace->low);
    *at++ = '-';
    at = number_write(at, trace->span);
    memcpy(at, trace->flags & TRACE_SAMPLED ? "-01" : "-00", 3);
    return str_make(text, TRACE_PARENT_LENGTH);
}
