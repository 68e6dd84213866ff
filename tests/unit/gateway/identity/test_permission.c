#include "gateway/identity/permission.h"

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

static const struct set_row {
    const char *granted;
    uint32_t sets;
} set_rows[] = {
#define SET(name) (1U << PERMISSION_##name)
    {"nexus:consumer:chat", 0},
    {"nexus:agent:chat", SET(AGENT) | SET(CONVERSATIONS)},
    {"nexus:designer:chat", SET(AGENT) | SET(CONVERSATIONS)},
    {"nexus:gateway:sms", SET(INBOUND)},
    {"nexus:cluster:*", SET(INBOUND) | SET(UNSIGNED) | SET(MESSAGES) | SET(SERVICES)},
    {"nexus:cluster:messages", SET(MESSAGES)},
    {"nexus:admin:*",
     SET(CONVERSATIONS) | SET(MESSAGES) | SET(KEYS) | SET(TENANTS) | SET(SERVICES) | SET(AUDIT)},
    {"nexus:admin:messages", SET(CONVERSATIONS) | SET(MESSAGES)},
    {"nexus:admin:keys", SET(KEYS)},
    {"nexus:admin", 0},
    {"*", 0},
#undef SET
};

ROWS_TEST(permission, opens_the_sets_it_covers_and_no_others, set_rows)
{
    cr_assert(eq(u32, permission_bits(str_of(row->granted)), row->sets), "%s", row->granted);
}
