// What a request's head may look like.
#include "io/http_server/http_framing.h"

#include "base/buf.h"
#include "tests/unit/io/http_server/http_probes.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static bool check(struct str head, struct http_head *found, struct err *err)
{
    *err = (struct err){0};
    return http_head_check(head, found, err);
}

Test(framing, refuses_requests_that_two_readers_could_cut_differently)
{
    for (size_t i = 0; i < COUNT_OF(probes); i++) {
        struct http_head found;
        struct err err;
        size_t length = http_head_end(probes[i].head, 0);

        cr_expect(gt(sz, length, 0), "%s", probes[i].name);
        bool passed = check(str_make(probes[i].head.ptr, length), &found, &err);

        cr_expect(not(passed), "%s", probes[i].name);
        cr_expect(eq(int, (int)err.code, ERR_BAD_REQUEST), "%s", probes[i].name);
    }
}

Test(framing, lets_ordinary_requests_through)
{
    static const struct probe ordinary[] = {
        PROBE("curl", "GET /a?b=c HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: curl/7.88.1\r\n"
                      "Accept: */*\r\n\r\n"),
        PROBE("HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n"),
        PROBE("an IPv6 host", "GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n"),
        PROBE("an empty value", "GET / HTTP/1.1\r\nHost: nexus\r\nX:\r\n\r\n"),
        PROBE("tabs and UTF-8 in a value",
              "GET / HTTP/1.1\r\nHost: nexus\r\nX:\ta\tb \xc3\xa4\r\n\r\n"),
        PROBE("one empty line before", "\r\nGET / HTTP/1.1\r\nHost: nexus\r\n\r\n"),
        PROBE("a URL", "GET http://nexus:8080/a?b HTTP/1.1\r\nHost: NEXUS:8080\r\n\r\n"),
        PROBE("a URL with the default port",
              "GET http://nexus:80/ HTTP/1.1\r\nHost: nexus\r\n\r\n"),
        PROBE("a URL of https", "GET HTTPS://nexus/ HTTP/1.1\r\nHost: nexus:443\r\n\r\n"),
        PROBE("a URL without a path", "GET http://nexus HTTP/1.1\r\nHost: nexus\r\n\r\n"),
        PROBE("two headers that may occur twice",
              "GET / HTTP/1.1\r\nHost: n\r\nX-Forwarded-For: a\r\nX-Forwarded-For: b\r\n\r\n"),
        PROBE("an unknown method", "M-SEARCH /x HTTP/1.1\r\nHost: nexus\r\n\r\n"),
    };

    for (size_t i = 0; i < COUNT_OF(ordinary); i++) {
        struct http_head found;
        struct err err;

        cr_expect(check(ordinary[i].head, &found, &err), "%s: %s", ordinary[i].name, err.text);
        cr_expect(eq(i64, found.content_length, -1), "%s", ordinary[i].name);
        cr_expect(not(found.chunked), "%s", ordinary[i].name);
    }
}

Test(framing, finds_how_the_body_is_delimited)
{
    struct http_head found;
    struct err err;

    cr_assert(check(STR(POST "content-LENGTH:  42 \r\n\r\n"), &found, &err));
    cr_expect(eq(i64, found.content_length, 42));
    cr_assert(check(STR(POST "transfer-encoding: Chunked\r\n\r\n"), &found, &err));
    cr_expect(found.chunked);
}

Test(framing, finds_the_end_of_a_head_in_whatever_pieces_it_comes)
{
    const struct str head = STR("GET / HTTP/1.1\r\nHost: nexus\r\n\r\n");

    for (size_t seen = 0; seen < head.len; seen++) {
        cr_expect(eq(sz, http_head_end(str_make(head.ptr, seen), 0), 0), "%zu", seen);
        cr_expect(eq(sz, http_head_end(head, seen), head.len), "%zu", seen);
    }
    cr_expect(eq(sz, http_head_end(STR("a\n\r\nrest"), 0), 4));
    cr_expect(eq(sz, http_head_end(STR("a\n\nrest"), 0), 3));
    cr_expect(eq(sz, http_head_end(STR("a\n\nrest"), 2), 3));
}

Test(framing, limits_the_path_the_header_lines_and_the_head)
{
    struct http_head found;
    struct err err;
    AUTO(buf) head = {0};

    buf_str_append(&head, STR("GET /"));
    for (int i = 0; i < HTTP_TARGET_LIMIT; i++)
        buf_byte(&head, 'a');
    buf_str_append(&head, STR(" HTTP/1.1\r\nHost: nexus\r\n\r\n"));
    cr_expect(not(check(buf_str(&head), &found, &err)));
    cr_expect(eq(int, (int)err.code, ERR_HEADERS_TOO_LARGE));

    buf_clear(&head);
    buf_str_append(&head, STR("GET / HTTP/1.1\r\nHost: nexus\r\n"));
    for (int i = 0; i < HTTP_HEADER_LINES_LIMIT; i++)
        buf_str_append(&head, STR("X: y\r\n"));
    buf_str_append(&head, STR("\r\n"));
    cr_expect(not(check(buf_str(&head), &found, &err)));
    cr_expect(eq(int, (int)err.code, ERR_HEADERS_TOO_LARGE));

    buf_clear(&head);
    buf_str_append(&head, STR("GET / HTTP/1.1\r\nHost: nexus\r\nX: "));
    while (head.len <= HTTP_HEAD_LIMIT)
        buf_byte(&head, 'a');
    buf_str_append(&head, STR("\r\n\r\n"));
    cr_expect(not(check(buf_str(&head), &found, &err)));
    cr_expect(eq(int, (int)err.code, ERR_HEADERS_TOO_LARGE));
}

Test(framing, refuses_a_head_that_is_cut_off)
{
    const struct str head = STR("GET / HTTP/1.1\r\nHost: nexus\r\nX: y\r\n\r\n");
    struct http_head found;
    struct err err;

    for (size_t length = 0; length < head.len; length++)
        cr_expect(not(check(str_make(head.ptr, length), &found, &err)), "%zu", length);
}

Test(framing, names_the_header_that_came_twice)
{
    struct http_head found;
    struct err err;

    cr_assert(not(check(STR(POST "Authorization: a\r\nauthorization: a\r\n\r\n"), &found, &err)));
    cr_assert(eq(str, err.text, "more than one authorization header"));
}

static const struct target_row {
    const char *target, *authority, *path, *query; // NULL: absent
} target_rows[] = {
    {"/", NULL, "/", NULL},
    {"/a?b=c?d", NULL, "/a", "b=c?d"},
    {"/a?", NULL, "/a", ""},
    {"http://h/a/b?c", "h", "/a/b", "c"},
    {"http://h:1?c", "h:1", "/", "c"},
    {"https://[::1]:8080", "[::1]:8080", "/", NULL},
};

static bool is(struct str text, const char *wanted)
{
    return wanted ? str_present(text) && str_equal(text, str_of(wanted)) : !str_present(text);
}

Test(framing, a_target_is_a_path_or_a_url)
{
    for (size_t i = 0; i < COUNT_OF(target_rows); i++) {
        const struct target_row *row = &target_rows[i];
        struct http_target cut;

        cr_expect(http_target_cut(str_of(row->target), &cut), "%s", row->target);
        cr_expect(is(cut.authority, row->authority), "%s", row->target);
        cr_expect(is(cut.path, row->path), "%s", row->target);
        cr_expect(is(cut.query, row->query), "%s", row->target);
    }
}

Test(framing, reads_method_and_target_of_a_refused_head)
{
    struct http_glance glance =
        http_head_glance(STR("PUT http://x/a?b HTTP/1.1\r\nX: y\r\nACCEPT: c/d \r\n\r\nAccept: e"));

    cr_assert(is(glance.method, "PUT") && is(glance.path, "/a") && is(glance.accept, "c/d"));
    cr_assert(not(str_present(http_head_glance(STR("nonsense")).path)));
    cr_assert(not(str_present(http_head_glance(STR("a b c\r\n\r\n")).path)));
}
