#include "config/config.h"

#include "rows.h"

#include <stdlib.h>
#include <unistd.h>

struct sample {
    struct str name, secret;
    int64_t count, bytes, wait_ms;
    bool on;
};

static const struct config_key keys[] = {
    CONFIG_STR(sample, name, "NEXUS_SAMPLE_NAME", "default name", CONFIG_PLAIN, "A name."),
    CONFIG_STR(sample, secret, "NEXUS_SAMPLE_SECRET", "", CONFIG_SECRET, "A secret."),
    CONFIG_INT(sample, count, "NEXUS_SAMPLE_COUNT", "4", 1, 16, "A count."),
    CONFIG_BYTES(sample, bytes, "NEXUS_SAMPLE_BYTES", "64KiB", 1024, 1 << 20, "A size."),
    CONFIG_DURATION(sample, wait_ms, "NEXUS_SAMPLE_WAIT", "10s", 100, 30000, "A wait."),
    CONFIG_BOOL(sample, on, "NEXUS_SAMPLE_ON", "false", "A switch."),
};

static struct arena *arena;
static struct sample sample;
static struct err err;
static char path[] = "/tmp/nexus-config-XXXXXX";

static void set_up(void)
{
    clearenv();
    arena = arena_new();
    close(mkstemp(path));
}

static void tear_down(void)
{
    unlink(path);
    arena_free(&arena);
}

TestSuite(config, .init = set_up, .fini = tear_down);

static bool load(const char *file)
{
    const struct config_table table = {.keys = keys, .count = COUNT_OF(keys), .values = &sample};

    err = (struct err){0};
    if (file) {
        FILE *out = fopen(path, "w");
        fputs(file, out);
        fclose(out);
    }
    return config_load(&table, 1, file ? path : NULL, arena, &err);
}

Test(config, starts_from_the_defaults)
{
    cr_assert(load(NULL), "%s", err.text);

    cr_assert(str_equal(sample.name, STR("default name")));
    cr_assert(eq(i64, sample.count, 4));
    cr_assert(eq(i64, sample.bytes, 65536));
    cr_assert(eq(i64, sample.wait_ms, 10000));
    cr_assert(not(sample.on));
}

Test(config, the_file_overrides_defaults_and_the_environment_overrides_the_file)
{
    setenv("NEXUS_SAMPLE_COUNT", "16", 1);

    cr_assert(load("# comment\n\n NEXUS_SAMPLE_COUNT = 8\nNEXUS_SAMPLE_NAME=a=b\n"), "%s",
              err.text);

    cr_assert(eq(i64, sample.count, 16));
    cr_assert(str_equal(sample.name, STR("a=b")));
}

Test(config, the_last_line_of_a_name_wins)
{
    cr_assert(load("NEXUS_SAMPLE_COUNT=8\nNEXUS_SAMPLE_COUNT=9"), "%s", err.text);

    cr_assert(eq(i64, sample.count, 9));
}

Test(config, a_secret_may_be_in_its_own_file)
{
    FILE *out = fopen(path, "w");
    fputs("  hush\n", out);
    fclose(out);
    setenv("NEXUS_SAMPLE_SECRET_FILE", path, 1);

    cr_assert(load(NULL), "%s", err.text);

    cr_assert(str_equal(sample.secret, STR("hush")));
}

Test(config, the_configuration_file_may_name_a_secret_file)
{
    char secret_path[] = "/tmp/nexus-secret-XXXXXX", line[100];
    int fd = mkstemp(secret_path);
    cr_assert(eq(int, (int)write(fd, "hush\n", 5), 5));
    close(fd);
    snprintf(line, sizeof line, "NEXUS_SAMPLE_SECRET_FILE=%s\n", secret_path);

    bool ok = load(line);

    unlink(secret_path);
    cr_assert(ok, "%s", err.text);
    cr_assert(str_equal(sample.secret, STR("hush")));
}

Test(config, a_missing_secret_file_is_an_error_that_names_the_key)
{
    setenv("NEXUS_SAMPLE_SECRET_FILE", "/nonexistent/secret", 1);

    cr_assert(not(load(NULL)));

    cr_assert(ne(ptr, strstr(err.text, "NEXUS_SAMPLE_SECRET"), NULL), "%s", err.text);
}

static const struct fault_row {
    const char *line, *want;
} fault_rows[] = {
    {"NEXUS_SAMPLE_COUNT=0", "NEXUS_SAMPLE_COUNT is 0, allowed is 1 to 16"},
    {"NEXUS_SAMPLE_COUNT=17", "NEXUS_SAMPLE_COUNT is 17, allowed is 1 to 16"},
    {"NEXUS_SAMPLE_COUNT=four", "NEXUS_SAMPLE_COUNT: cannot read \"four\" as a whole number"},
    {"NEXUS_SAMPLE_WAIT=10", "NEXUS_SAMPLE_WAIT: cannot read \"10\" as a duration"},
    {"NEXUS_SAMPLE_WAIT=1h", "NEXUS_SAMPLE_WAIT is 3600000, allowed is 100 to 30000 ms"},
    {"NEXUS_SAMPLE_BYTES=1kb", "NEXUS_SAMPLE_BYTES: cannot read \"1kb\" as a size"},
    {"NEXUS_SAMPLE_ON=yes", "NEXUS_SAMPLE_ON is true or false"},
    {"NEXUS_SAMPLE_COUNTS=4", "NEXUS_SAMPLE_COUNTS is not a setting"},
    {"NEXUS_SAMPLE_COUNT_FILE=/x", "NEXUS_SAMPLE_COUNT_FILE is not a setting"},
    {"nonsense", "configuration file: line 1 is not NAME=value"},
    {"NEXUS_SAMPLE_NAME=the first half\nof+a/secret==",
     "configuration file: line 2 is not NAME=value"},
    {"NEXUS_SAMPLE_SECRET top", "configuration file: line 1 is not NAME=value"},
};

ROWS_TEST(config, names_the_setting_and_the_rule_in_a_refusal, fault_rows)
{
    cr_assert(not(load(row->line)));

    cr_assert(ne(ptr, strstr(err.text, row->want), NULL), "%s", err.text);
}

Test(config, refuses_an_unknown_name_in_the_environment)
{
    setenv("NEXUS_SAMPLE_TYPO", "1", 1);

    cr_assert(not(load(NULL)));

    cr_assert(ne(ptr, strstr(err.text, "NEXUS_SAMPLE_TYPO"), NULL), "%s", err.text);
}

Test(config, knows_the_settings_of_the_other_programs)
{
    setenv("NEXUS_STATE_DIR", "/tmp", 1);
    setenv("PATH", "/bin", 1);

    cr_assert(load(NULL), "%s", err.text);
}

Test(config, refuses_text_longer_than_its_limit)
{
    char text[5000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    setenv("NEXUS_SAMPLE_NAME", text, 1);

    cr_assert(not(load(NULL)));

    cr_assert(ne(ptr, strstr(err.text, "longer than 4096"), NULL), "%s", err.text);
}

Test(config, prints_where_each_value_came_from_and_no_secret)
{
    const struct config_table table = {.keys = keys, .count = COUNT_OF(keys), .values = &sample};
    AUTO(buf) out = {0};
    setenv("NEXUS_SAMPLE_SECRET", "hush", 1);
    cr_assert(load("NEXUS_SAMPLE_COUNT=8\n"));

    config_print(&table, 1, path, &out);

    const char *text = buf_c_string(&out);
    cr_assert(ne(ptr, strstr(text, "NEXUS_SAMPLE_COUNT=8\t(file)\tA count.\n"), NULL), "%s", text);
    cr_assert(ne(ptr, strstr(text, "NEXUS_SAMPLE_SECRET=***\t(environment)"), NULL), "%s", text);
    cr_assert(ne(ptr, strstr(text, "NEXUS_SAMPLE_WAIT=10s\t(default)"), NULL), "%s", text);
}
