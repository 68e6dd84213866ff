#include "gateway/login/auth.h"

#include "rows.h"

static const struct return_row {
    const char *path;
    bool ours;
} return_rows[] = {
    {"/", true},
    {"/admin/", true},
    {"/admin/keys?tab=1&page=2", true},
    {"/a%2Fb", true},
    {"", false},
    {"admin", false},
    {"//evil.example", false},
    {"/\\evil.example", false},
    {"\\/evil.example", false},
    {"https://evil.example/", false},
    {"javascript:alert(1)", false},
    {"/a\r\nset-cookie: x=y", false},
    {"/a\tb", false},
    {"/a b", false},
    {"/\xc3\xa4", false},
};

ROWS_TEST(auth, sends_people_back_only_to_paths_of_this_server, return_rows)
{
    cr_assert(eq(int, auth_return_is_ours(str_of(row->path)), row->ours), "%s", row->path);
}

Test(auth, does_not_return_to_a_path_that_is_too_long)
{
    static char path[600];

    memset(path, 'a', sizeof path);
    path[0] = '/';
    cr_assert(auth_return_is_ours(str_make(path, 512)));
    cr_assert(not(auth_return_is_ours(str_make(path, 513))));
}
