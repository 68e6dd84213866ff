// pg_url: checks how libpq understands an address before anything connects to it.
#include "io/pg/pg.h"

#include <libpq-fe.h>

// The value of an option in the address or, like libpq, in the environment.
static struct str option_of(const PQconninfoOption *options, const char *name, const char *variable)
{
    for (; options->keyword; options++)
        if (str_equal(str_of(options->keyword), str_of(name)) && options->val && options->val[0])
            return str_of(options->val);
    return str_of(getenv(variable));
}

static bool is_here(struct str host)
{
    return host.len == 0 || host.ptr[0] == '/' || host.ptr[0] == '@' ||
           str_equal(host, STR("localhost")) || str_starts(host, STR("127.")) ||
           str_equal(host, STR("::1"));
}

static bool are_ports(struct str ports)
{
    struct str port;
    int64_t number;

    while (str_present(ports)) {
        str_cut(ports, ',', &port, &ports);
        if (port.len > 0 && !str_to_int(port, 1, 65535, &number))
            return false;
    }
    return true;
}

bool pg_url_check(struct str url, struct err *err)
{
    AUTO(buf) text = {0};

    buf_str_append(&text, url);
    PQconninfoOption *options = PQconninfoParse(buf_c_string(&text), NULL);
    bool is_read = options != NULL;

    if (is_read) {
        struct str host = option_of(options, "host", "PGHOST");
        is_read = are_ports(option_of(options, "port", "PGPORT")) &&
                  !(host.len > 1 && memchr(host.ptr + 1, '@', host.len - 1));
        PQconninfoFree(options);
    }
    return is_read ||
           err_set(
               err, ERR_BAD_INPUT,
               "must be postgresql://USER@HOST/DATABASE or host=HOST dbname=DATABASE; in a "
               "URL a password's %% @ : / are %%25 %%40 %%3A %%2F, in a string one with blanks is "
               "in quotes");
}

const char *pg_url_weakness(const char *url)
{
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    bool all_here = true;

    if (!options)
        return NULL; // connecting will report what is wrong with it
    struct str hosts = option_of(options, "hostaddr", "PGHOSTADDR"), host;
    bool is_verified = str_equal(option_of(options, "sslmode", "PGSSLMODE"), STR("verify-full"));
    if (hosts.len == 0)
        hosts = option_of(options, "host", "PGHOST");
    while (all_here && str_present(hosts)) {
        str_cut(hosts, ',', &host, &hosts);
        all_here = is_here(host);
    }
    PQconninfoFree(options);
    return all_here || is_verified
               ? NULL
               : "PostgreSQL is on another machine and sslmode is not "
                 "verify-full: the connection can be read and changed on the way";
}
