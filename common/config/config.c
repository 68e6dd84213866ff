// config: see the header. The environment is read through environ so that unknown NEXUS_* names
// show.
#include "config/config.h"

#include "base/list.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

// NEXUS_* names that other programs, scripts or the failpoints own.
static const char *const known_elsewhere[] = {
#define CONFIG_NAME(name) name,
#include "config/config_names.def"
#include "config/config_names_of_tables.def"
#undef CONFIG_NAME
};

struct config_setting {
    struct str value;
    const char *source;
};

static bool file_read(struct arena *arena, const char *path, struct str *content, struct err *err)
{
    AUTO(buf) bytes = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t count = -1;

    if (fd >= 0) {
        while ((count = read(fd, buf_reserve(&bytes, 4096), 4096)) > 0 && bytes.len < 1 << 20)
            bytes.len += (size_t)count;
        close(fd);
    }
    if (count != 0)
        return err_set(err, ERR_BAD_INPUT, "cannot read %.150s: %s", path,
                       count > 0 ? "larger than 1 MiB" : strerror(errno));
    *content = arena_copy(arena, buf_str(&bytes));
    return true;
}

// The last line of the file that sets the name; absent if none does.
static struct str file_value(struct str file, struct str name)
{
    struct str found = STR_ABSENT, line, key, value;

    while (str_present(file)) {
        str_cut(file, '\n', &line, &file);
        line = str_trim(line);
        if (line.len && line.ptr[0] != '#' && str_cut(line, '=', &key, &value) &&
            str_equal(str_trim(key), name))
            found = str_trim(value);
    }
    return found;
}

// What <name>_FILE says; NULL where nothing does, or where the environment has the value itself.
static const char *secret_path(const char *key, struct str file, struct arena *arena)
{
    struct str name = arena_printf(arena, "%s_FILE", key);
    const char *path = getenv(name.ptr);

    if (!path && !getenv(key) && str_present(file_value(file, name)))
        path = arena_c_string(arena, file_value(file, name));
    return path;
}

static bool setting_find(const struct config_key *key, struct str file, struct arena *arena,
                         struct config_setting *setting, struct err *err)
{
    struct str from_file = file_value(file, str_of(key->name));
    const char *from_environment = getenv(key->name);

    *setting = (struct config_setting){.value = str_of(key->fallback), .source = "default"};
    if (str_present(from_file))
        *setting = (struct config_setting){.value = from_file, .source = "file"};
    if (from_environment)
        *setting =
            (struct config_setting){.value = str_of(from_environment), .source = "environment"};
    if (key->flags & CONFIG_SECRET) {
        const char *path = secret_path(key->name, file, arena);
        if (path) {
            if (!file_read(arena, path, &setting->value, err))
                return err_in(err, key->name);
            *setting =
                (struct config_setting){.value = str_trim(setting->value), .source = "secret file"};
        }
    }
    return true;
}

static bool value_set(const struct config_key *key, struct str text, void *values, struct err *err)
{
    void *field = (char *)values + key->offset;
    int64_t number = 0;
    bool ok = true;

    switch (key->kind) {
    case CONFIG_KIND_STR:
        if (text.len > (size_t)key->maximum)
            return err_set(err, ERR_BAD_INPUT, "%s is longer than %lld bytes", key->name,
                           (long long)key->maximum);
        *(struct str *)field = text;
        return true;
    case CONFIG_KIND_BOOL:
        if (!str_equal(text, STR("true")) && !str_equal(text, STR("false")))
            return err_set(err, ERR_BAD_INPUT, "%s is true or false", key->name);
        *(bool *)field = str_equal(text, STR("true"));
        return true;
    case CONFIG_KIND_INT: ok = str_to_int(text, INT64_MIN, INT64_MAX, &number); break;
    case CONFIG_KIND_BYTES: ok = str_to_bytes(text, &number); break;
    case CONFIG_KIND_DURATION: ok = str_to_duration_ms(text, &number); break;
    }
    if (!ok)
        return err_set(err, ERR_BAD_INPUT, "%s: cannot read \"%.*s\" as a %s", key->name,
                       STR_ARG(text),
                       key->kind == CONFIG_KIND_INT     ? "whole number"
                       : key->kind == CONFIG_KIND_BYTES ? "size such as 256KiB"
                                                        : "duration such as 500ms or 10s");
    if (number < key->minimum || number > key->maximum)
        return err_set(err, ERR_BAD_INPUT, "%s is %lld, allowed is %lld to %lld%s", key->name,
                       (long long)number, (long long)key->minimum, (long long)key->maximum,
                       key->kind == CONFIG_KIND_DURATION ? " ms" : "");
    *(int64_t *)field = number;
    return true;
}

static bool name_is_known(const struct config_table *tables, size_t count, struct str name)
{
    const struct str suffix = STR("_FILE");
    bool of_file =
        name.len > suffix.len && str_equal(str_skip(name, name.len - suffix.len), suffix);
    struct str stem = of_file ? str_make(name.ptr, name.len - suffix.len) : name;

    for (size_t t = 0; t < count; t++)
        for (size_t i = 0; i < tables[t].count; i++)
            if (str_equal(stem, str_of(tables[t].keys[i].name)))
                return !of_file || (tables[t].keys[i].flags & CONFIG_SECRET);
    for (size_t i = 0; i < COUNT_OF(known_elsewhere); i++)
        if (str_equal(stem, str_of(known_elsewhere[i])))
            return true; // only its program knows whether it is a secret
    return false;
}

// Any other line may be part of a secret, for example of a value with a line break, so it is not
// repeated.
static bool is_name(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!((text.ptr[i] >= 'A' && text.ptr[i] <= 'Z') ||
              (text.ptr[i] >= '0' && text.ptr[i] <= '9') || text.ptr[i] == '_'))
            return false;
    return text.len > 0;
}

static bool names_check(const struct config_table *tables, size_t count, struct str file,
                        struct err *err)
{
    struct str line, name, value;
    unsigned lines = 0;

    for (char **entry = environ; entry && *entry; entry++) {
        str_cut(str_of(*entry), '=', &name, &value);
        if (str_starts(name, STR("NEXUS_")) && !name_is_known(tables, count, name))
            return err_set(err, ERR_BAD_INPUT,
                           "environment: %.*s is not a setting; see --check-config", STR_ARG(name));
    }
    while (str_present(file)) {
        str_cut(file, '\n', &line, &file);
        line = str_trim(line);
        lines++;
        if (line.len == 0 || line.ptr[0] == '#')
            continue;
        bool has_name = str_cut(line, '=', &name, &value) && is_name(str_trim(name));
        if (!has_name)
            return err_set(err, ERR_BAD_INPUT, "configuration file: line %u is not NAME=value",
                           lines);
        if (!name_is_known(tables, count, str_trim(name)))
            return err_set(err, ERR_BAD_INPUT, "configuration file: %.*s is not a setting",
                           STR_ARG(str_trim(name)));
    }
    return true;
}

bool config_load(const struct config_table *tables, size_t count, const char *path,
                 struct arena *arena, struct err *err)
{
    struct str file = STR_ABSENT;
    struct config_setting setting;

    if (path && !file_read(arena, path, &file, err))
        return false;
    if (!names_check(tables, count, file, err))
        return false;
    for (size_t t = 0; t < count; t++)
        for (size_t i = 0; i < tables[t].count; i++)
            if (!setting_find(&tables[t].keys[i], file, arena, &setting, err) ||
                !value_set(&tables[t].keys[i], setting.value, tables[t].values, err))
                return false;
    return true;
}

bool config_secret_path(const char *key, const char *path, struct arena *arena, const char **secret,
                        struct err *err)
{
    struct str file = STR_ABSENT;

    if (path && !file_read(arena, path, &file, err))
        return false;
    *secret = secret_path(key, file, arena);
    return true;
}

bool config_read_again(const struct config_key *key, const char *path, struct arena *arena,
                       struct str *value, struct err *err)
{
    struct str file = STR_ABSENT;
    struct config_setting setting;

    if ((path && !file_read(arena, path, &file, err)) ||
        !setting_find(key, file, arena, &setting, err))
        return false;
    *value = setting.value;
    return true;
}

void config_print(const struct config_table *tables, size_t count, const char *path,
                  struct buf *out)
{
    struct arena *arena = arena_new();
    struct str file = STR_ABSENT;
    struct config_setting setting;
    struct err err;

    if (path)
        (void)!file_read(arena, path, &file, &err); // config_load() has reported it
    for (size_t t = 0; t < count; t++) {
        for (size_t i = 0; i < tables[t].count; i++) {
            const struct config_key *key = &tables[t].keys[i];
            if (!setting_find(key, file, arena, &setting, &err))
                continue;
            bool hide = (key->flags & CONFIG_SECRET) && setting.value.len > 0;
            buf_printf(out, "%s=%.*s\t(%s)\t%s\n", key->name,
                       STR_ARG(hide ? STR("***") : setting.value), setting.source, key->doc);
        }
    }
    arena_free(&arena);
}
