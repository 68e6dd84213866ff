#include "gateway/permission.h"

#include "rows.h"

static const struct cover_row {
    const char *granted, *wanted;
    bool covers;
} cover_rows[] = {
    {"nexus:agent:chat", "nexus:agent:chat", true},
    {"nexus:agent:chat", "nexus:designer:chat", false},
    {"nexus:*:chat", "nexus:agent:chat", true},
    {"*:*:*", "nexus:agent:chat", true},
    {"nexus:cluster:*", "nexus:cluster:*", true},
    {"nexus:cluster:sms", "nexus:cluster:*", false},
    {"nexus:cluster:*", "nexus:agent:chat", false},
    {"nexus:agent", "nexus:agent:chat", false},
    {"nexus:agent:chat:more", "nexus:agent:chat", false},
    {"nexus:agent:", "nexus:agent:chat", false},
    {"", "nexus:agent:chat", false},
    {"*", "nexus:agent:chat", false},
};

ROWS_TEST(permission, covers_what_is_equal_or_starred_in_every_segment, cover_rows)
{
    cr_assert(eq(int, permission_covers(str_of(row->granted), str_of(row->wanted)), row->covers),
              "%s for %s", row->granted, row->wanted);
}

static bool has(const char *granted, enum permission permission)
{
    return permission_bits(str_of(granted)) & 1U << permission;
}

Test(permission, lets_any_key_do_what_asks_for_any_key)
{
    cr_assert(has("nexus:consumer:chat", PERMISSION_ANY_KEY));
    cr_assert(not(has("nexus:consumer:chat", PERMISSION_AGENT)));
    cr_assert(not(has("nexus:consumer:chat", PERMISSION_OPERATOR)));
}

Test(permission, lets_agents_and_designers_work_with_conversations)
{
    cr_assert(has("nexus:agent:chat", PERMISSION_AGENT));
    cr_assert(has("nexus:designer:chat", PERMISSION_AGENT));
    cr_assert(not(has("nexus:agent:chat", PERMISSION_OPERATOR)));
    cr_assert(has("nexus:cluster:*", PERMISSION_OPERATOR));
    cr_assert(not(has("nexus:cluster:*", PERMISSION_AGENT)));
}
