// authority: see the header. A row applies only in its own column: an administrator without a
// contact center administers none, and an operator's authority in a contact center grants nothing.
#include "provisioning-worker/identity/authority.h"

// clang-format off
static const struct {
    struct str authority;
    bool of_center;
    struct str permission;
} worth[] = {
    {STR_INIT("ROLE_OPS"),   false, STR_INIT("nexus:admin:*")},    // an operator, for all contact centers
    {STR_INIT("ROLE_ADMIN"), true,  STR_INIT("nexus:admin:*")},    // an administrator of one
    {STR_INIT("ROLE_AGENT"), true,  STR_INIT("nexus:agent:chat")},
};
// clang-format on

struct str authority_permission(struct str authority, bool of_center)
{
    for (size_t i = 0; i < COUNT_OF(worth); i++)
        if (worth[i].of_center == of_center && str_equal(worth[i].authority, authority))
            return worth[i].permission;
    return STR("");
}
