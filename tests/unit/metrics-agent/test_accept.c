#include "metrics-agent/exposition.h"
#include "rows.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#define OPENMETRICS "application/openmetrics-text"

static const struct {
    const char *name, *accept;
    enum exposition_format format;
} rows[] = {
    {"nothing", NULL, EXPOSITION_TEXT},
    {"a browser", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", EXPOSITION_TEXT},
    {"anything", "*/*", EXPOSITION_TEXT},
    {"text", "text/plain; version=0.0.4", EXPOSITION_TEXT},
    {"OpenMetrics", OPENMETRICS, EXPOSITION_OPENMETRICS},
    {"OpenMetrics of the supported version", OPENMETRICS "; version=1.0.0; charset=utf-8",
     EXPOSITION_OPENMETRICS},
    {"OpenMetrics of an older version", OPENMETRICS ";version=0.0.1", EXPOSITION_TEXT},
    {"Prometheus",
     OPENMETRICS ";version=1.0.0," OPENMETRICS
                 ";version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
     EXPOSITION_OPENMETRICS},
    {"text is preferred", OPENMETRICS ";q=0.3, text/plain;q=0.9", EXPOSITION_TEXT},
    {"both are equal", OPENMETRICS ", text/plain", EXPOSITION_OPENMETRICS},
    {"OpenMetrics is excluded", OPENMETRICS ";q=0", EXPOSITION_TEXT},
    {"an unreadable weight", OPENMETRICS ";q=x", EXPOSITION_TEXT},
    {"capitals", "Application/OpenMetrics-Text;Q=1.0", EXPOSITION_OPENMETRICS},
};

Test(accept, chooses_the_requested_format)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        cr_assert(eq(int, exposition_accepted(str_of(rows[i].accept)), rows[i].format), "%s",
                  rows[i].name);
}
