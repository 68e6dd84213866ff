// Which addresses of PostgreSQL are reported as weak.
#include "io/pg/pg.h"
#include "tests/unit/rows.h"

static const struct url_row {
    const char *url;
    bool is_weak;
} url_rows[] = {
    {"host=/run/nexus dbname=nexus", false},
    {"dbname=nexus", false},
    {"postgresql:///nexus?host=./var/run", true}, // libpq reads it as a host name
    {"postgresql:///nexus?host=/var/run", false},
    {"postgresql://user@localhost/nexus", false},
    {"host=127.0.0.1 dbname=nexus", false},
    {"postgresql://[::1]:5433/nexus", false},
    {"host=db.example.com dbname=nexus", true},
    {"host=db.example.com sslmode=require", true},
    {"host=db.example.com sslmode=verify-ca", true},
    {"host=db.example.com sslmode=verify-full", false},
    {"postgresql://one.example.com,two.example.com/nexus?sslmode=verify-full", false},
    {"host=/run/nexus,db.example.com", true},
    {"host=db.example.com hostaddr=127.0.0.1", false},
    {"host=localhost hostaddr=192.0.2.1", true},
    {"host=10.0.0.7", true},
    {"this is no address", false}, // connecting reports it
};

static const struct reading_row {
    const char *url;
    bool is_read;
} reading_rows[] = {
    {"host=/run/nexus dbname=nexus password='top secret'", true},
    {"postgresql://nexus:top%20s%25cret@db.example.com:5432/nexus?sslmode=verify-full", true},
    {"postgresql://nexus:topsecret@one,two:5433/nexus", true},
    {"host=@abstract port=5432", true},
    {"host=db password=top secret", false},
    {"postgresql://nexus:top%secret@db/nexus", false},
    {"postgresql://nexus:top/secret@db/nexus", false},
    {"postgresql://nexus:top?secret@db/nexus", true},
    {"postgresql://nexus:top@secret@db/nexus", false},
    {"host=db port=topsecret", false},
    {"topsecret", false},
};

ROWS_TEST(pg_url, that_cannot_be_read_is_refused_without_repeating_it, reading_rows)
{
    struct err err = {0};

    cr_assert(eq(int, pg_url_check(str_of(row->url), &err), row->is_read), "%s", row->url);
    cr_assert(eq(ptr, strstr(err.text, "secret"), NULL), "%s: %s", row->url, err.text);
}

ROWS_TEST(pg_url, of_another_machine_without_verified_tls_is_weak, url_rows)
{
    cr_assert(eq(int, pg_url_weakness(row->url) != NULL, row->is_weak), "%s", row->url);
}
