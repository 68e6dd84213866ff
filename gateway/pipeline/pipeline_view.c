// pipeline_view: see the header.
#include "gateway/pipeline/pipeline_view.h"

#include "base/attributes.h"
#include "wire/json/codec_json.h"

#include <math.h>
#include <stdlib.h>

enum { NUMBER_LENGTH = 32, WINDOW_US = 4 * 1000 * 1000, MEMORY_US = 60 * 1000 * 1000 };
static const double share_warn = 0.01, share_bad = 0.2;
static const double number_limit = 9007199254740992.0; // what JSON's readers know exactly

static const struct {
    const char *name, *title, *doc;
    double oldest_warn_s, oldest_bad_s;
} hops[PIPELINE_HOPS] = {
#define HOP(id, word, text, warn_s, bad_s, says)                                                   \
    [PIPELINE_##id] = {                                                                            \
        .name = word, .title = text, .doc = says, .oldest_warn_s = warn_s, .oldest_bad_s = bad_s},
#define FROM(...)
#define NEEDS(...)
#include "gateway/pipeline/pipeline.def"
};

static const struct source {
    enum pipeline_hop hop;
    enum pipeline_measure measure;
    struct str metric, label;
} sources[] = {
#define HOP(...)
#define FROM(id, what, name, pair)                                                                 \
    {.hop = PIPELINE_##id,                                                                         \
     .measure = PIPELINE_##what,                                                                   \
     .metric = STR_INIT(name),                                                                     \
     .label = STR_INIT(pair)},
#define NEEDS(...)
#include "gateway/pipeline/pipeline.def"
};

static const struct need {
    enum pipeline_hop hop;
    struct str metric, label;
    const char *why;
} needs[] = {
#define HOP(...)
#define FROM(...)
#define NEEDS(id, name, pair, says)                                                                \
    {.hop = PIPELINE_##id, .metric = STR_INIT(name), .label = STR_INIT(pair), .why = says},
#include "gateway/pipeline/pipeline.def"
};
_Static_assert(COUNT_OF(needs) <= PIPELINE_NEEDS_LIMIT, "room for each need");

// ---- reading

static bool matches(struct str metric, struct str label, struct str name, struct str labels)
{
    return str_equal(metric, name) &&
           (label.len == 0 || memmem(labels.ptr, labels.len, label.ptr, label.len) != NULL);
}

// "name{labels} value" or "name value", perhaps with a time or an exemplar behind it.
static bool line_read(struct str line, struct str *name, struct str *labels, double *value)
{
    struct str rest;
    char text[NUMBER_LENGTH];
    const char *brace = memchr(line.ptr, '{', line.len);
    const char *blank = memchr(line.ptr, ' ', line.len);

    if (line.len == 0 || line.ptr[0] == '#' || !blank)
        return false;
    *labels = STR("");
    if (brace && brace < blank) {
        const char *end = memmem(brace, line.len - (size_t)(brace - line.ptr), "} ", 2);
        if (!end)
            return false;
        *name = str_make(line.ptr, (size_t)(brace - line.ptr));
        *labels = str_make(brace, (size_t)(end - brace));
        rest = str_make(end + 2, line.len - (size_t)(end + 2 - line.ptr));
    } else {
        *name = str_make(line.ptr, (size_t)(blank - line.ptr));
        rest = str_make(blank + 1, line.len - name->len - 1);
    }
    size_t length = rest.len < sizeof text - 1 ? rest.len : sizeof text - 1;
    memcpy(text, rest.ptr, length);
    text[length] = '\0';
    *value = strtod(text, NULL);
    return fabs(*value) <= number_limit; // not NaN, not Inf
}

void pipeline_read(struct str exposition, int64_t at_us, struct pipeline_sample *sample)
{
    struct str line, name, labels;
    double value;

    *sample = (struct pipeline_sample){.at_us = at_us};
    for (size_t i = 0; i < COUNT_OF(needs); i++)
        sample->needs[i] = -1;
    while (exposition.len > 0) {
        str_cut(exposition, '\n', &line, &exposition);
        if (!line_read(line, &name, &labels, &value))
            continue;
        for (size_t i = 0; i < COUNT_OF(sources); i++)
            if (matches(sources[i].metric, sources[i].label, name, labels))
                sample->values[sources[i].hop][sources[i].measure] += value;
        for (size_t i = 0; i < COUNT_OF(needs); i++)
            if (matches(needs[i].metric, needs[i].label, name, labels))
                sample->needs[i] = value + (sample->needs[i] > 0 ? sample->needs[i] : 0);
    }
}

const struct pipeline_sample *pipeline_before(const struct pipeline_sample *samples, size_t count)
{
    const struct pipeline_sample *before = NULL;

    for (size_t i = 1; i < count; i++) {
        int64_t age_us = samples[0].at_us - samples[i].at_us;
        if (age_us > MEMORY_US)
            break;
        before = &samples[i];
        if (age_us >= WINDOW_US)
            break;
    }
    return before;
}

// ---- states

static bool has(enum pipeline_hop hop, enum pipeline_measure measure)
{
    for (size_t i = 0; i < COUNT_OF(sources); i++)
        if (sources[i].hop == hop && sources[i].measure == measure)
            return true;
    return false;
}

// A counter that decreased has no rate: other processes were counted before.
static double gain(const struct pipeline_sample *before, const struct pipeline_sample *now,
                   enum pipeline_hop hop, enum pipeline_measure measure)
{
    double more = before ? now->values[hop][measure] - before->values[hop][measure] : 0;

    return more > 0 ? more : 0;
}

enum pipeline_state pipeline_judge(const struct pipeline_sample *before,
                                   const struct pipeline_sample *now, enum pipeline_hop hop,
                                   struct buf *why)
{
    double passed = gain(before, now, hop, PIPELINE_TOTAL);
    double failed = gain(before, now, hop, PIPELINE_ERRORS);
    double share = failed > 0 ? failed / (passed > failed ? passed : failed) : 0;
    double oldest_s = now->values[hop][PIPELINE_OLDEST];
    double closed = now->values[hop][PIPELINE_CLOSED];

    buf_clear(why);
    for (size_t i = 0; i < COUNT_OF(needs); i++)
        if (needs[i].hop == hop && now->needs[i] == 0) {
            buf_str_append(why, str_of(needs[i].why));
            return PIPELINE_BAD;
        }
    if (share >= share_warn) {
        buf_printf(why, "%.0f %% goes wrong", share * 100);
        return share >= share_bad ? PIPELINE_BAD : PIPELINE_WARN;
    }
    if (hops[hop].oldest_warn_s > 0 && oldest_s >= hops[hop].oldest_warn_s) {
        buf_printf(why, "the oldest has waited for %.0f s", oldest_s);
        return oldest_s >= hops[hop].oldest_bad_s ? PIPELINE_BAD : PIPELINE_WARN;
    }
    if (closed > 0) {
        buf_printf(why, "%.0f destination%s left alone", closed, closed > 1 ? "s are" : " is");
        return PIPELINE_WARN;
    }
    return passed > 0 || now->values[hop][PIPELINE_DEPTH] > 0 ? PIPELINE_GOOD : PIPELINE_IDLE;
}

// ---- writing

static void write_real(struct buf *out, const char *name, bool known, double value)
{
    json_key(out, name);
    if (known)
        json_double(out, round(value * 1000) / 1000);
    else
        json_raw(out, STR("null"));
}

static void write_number(struct buf *out, const char *name, bool known, double value)
{
    if (known)
        json_key_int(out, name, (int64_t)fmax(fmin(value, number_limit), -number_limit));
    else
        json_key_raw(out, name, STR("null"));
}

static void write_hop(const struct pipeline_sample *before, const struct pipeline_sample *now,
                      enum pipeline_hop hop, enum pipeline_state state, struct str why,
                      struct buf *out)
{
    static const struct str states[] = {
        [PIPELINE_IDLE] = STR_INIT("idle"),
        [PIPELINE_GOOD] = STR_INIT("good"),
        [PIPELINE_WARN] = STR_INIT("warn"),
        [PIPELINE_BAD] = STR_INIT("bad"),
    };
    const double *values = now->values[hop];
    double interval_s = before ? (double)(now->at_us - before->at_us) / 1e6 : 1;
    double times = gain(before, now, hop, PIPELINE_TIMES);

    json_open(out, '{');
    json_key_str(out, "name", str_of(hops[hop].name));
    json_key_str(out, "title", str_of(hops[hop].title));
    json_key_str(out, "meaning", str_of(hops[hop].doc));
    json_key_str(out, "state", states[state]);
    if (why.len)
        json_key_str(out, "why", why);
    else
        json_key_raw(out, "why", STR("null"));
    write_real(out, "rate", before, gain(before, now, hop, PIPELINE_TOTAL) / interval_s);
    write_real(out, "errorRate", before && has(hop, PIPELINE_ERRORS),
               gain(before, now, hop, PIPELINE_ERRORS) / interval_s);
    write_number(out, "depth", has(hop, PIPELINE_DEPTH), values[PIPELINE_DEPTH]);
    write_real(out, "oldestSeconds", has(hop, PIPELINE_OLDEST), values[PIPELINE_OLDEST]);
    write_real(out, "averageMs", times > 0,
               times > 0 ? gain(before, now, hop, PIPELINE_SECONDS) / times * 1000 : 0);
    write_number(out, "total", true, values[PIPELINE_TOTAL]);
    write_number(out, "errors", has(hop, PIPELINE_ERRORS), values[PIPELINE_ERRORS]);
    json_close(out, '}');
}

void pipeline_write(const struct pipeline_sample *before, const struct pipeline_sample *now,
                    struct buf *out)
{
    AUTO(buf) why = {0};

    json_open(out, '{');
    json_key(out, "at");
    buf_byte(out, '"');
    buf_time(out, now->at_us);
    buf_byte(out, '"');
    write_number(out, "intervalMs", before,
                 before ? (double)(now->at_us - before->at_us) / 1000 : 0);
    json_key(out, "hops");
    json_open(out, '[');
    for (int i = 0; i < PIPELINE_HOPS; i++) {
        enum pipeline_hop hop = (enum pipeline_hop)i;
        enum pipeline_state state = pipeline_judge(before, now, hop, &why);
        write_hop(before, now, hop, state, buf_str(&why), out);
    }
    json_close(out, ']');
    json_close(out, '}');
}
