// accept: which format an Accept header requests, and its content type (exposition.h).
#include "metrics-agent/exposition.h"

struct str exposition_content_type(enum exposition_format format)
{
    return format == EXPOSITION_OPENMETRICS
               ? STR("application/openmetrics-text; version=1.0.0; charset=utf-8")
               : STR("text/plain; version=0.0.4; charset=utf-8");
}

// The value of one parameter of a list such as "version=1.0.0; q=0.5"; absent if it is missing.
static struct str parameter_of(struct str parameters, struct str name)
{
    struct str parameter, key, value;

    while (str_present(parameters)) {
        (void)str_cut(parameters, ';', &parameter, &parameters);
        if (str_cut(str_trim(parameter), '=', &key, &value) && str_equal_ignoring_case(key, name))
            return value;
    }
    return STR_ABSENT;
}

// In thousandths; 1000 if it is missing, 0 if it is unreadable.
static int64_t quality_of(struct str parameters)
{
    struct str text = parameter_of(parameters, STR("q")), whole, fraction;
    int64_t quality, scale = 100;

    if (!str_present(text))
        return 1000;
    (void)str_cut(text, '.', &whole, &fraction);
    if (!str_to_int(whole, 0, 1, &quality))
        return 0;
    quality *= 1000;
    for (size_t i = 0; str_present(fraction) && i < fraction.len; i++, scale /= 10) {
        if (fraction.ptr[i] < '0' || fraction.ptr[i] > '9')
            return 0;
        quality += scale * (fraction.ptr[i] - '0');
    }
    return quality;
}

// Version 0.0.1, which some clients also request, is another format.
static bool is_openmetrics(struct str type, struct str parameters)
{
    struct str version = parameter_of(parameters, STR("version"));

    return str_equal_ignoring_case(type, STR("application/openmetrics-text")) &&
           (!str_present(version) || str_equal(version, STR("1.0.0")));
}

enum exposition_format exposition_accepted(struct str accept)
{
    int64_t openmetrics = 0, text = 0;
    struct str range, type, parameters;

    while (str_present(accept)) {
        (void)str_cut(accept, ',', &range, &accept);
        (void)str_cut(range, ';', &type, &parameters);
        type = str_trim(type);
        int64_t quality = quality_of(parameters);
        if (is_openmetrics(type, parameters))
            openmetrics = quality > openmetrics ? quality : openmetrics;
        else if (str_equal_ignoring_case(type, STR("text/plain")))
            text = quality > text ? quality : text;
    }
    return openmetrics > 0 && openmetrics >= text ? EXPOSITION_OPENMETRICS : EXPOSITION_TEXT;
}
