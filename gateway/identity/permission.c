// permission: see the header.
#include "gateway/identity/permission.h"

static const struct {
    const char *name, *enough;
} permissions[PERMISSION_COUNT] = {
#define X(id, alternatives) [PERMISSION_##id] = {#id, alternatives},
    PERMISSIONS(X)
#undef X
};

const char *permission_name(enum permission permission)
{
    return permissions[permission].name;
}

const char *permission_enough(enum permission permission)
{
    return permissions[permission].enough;
}

bool permission_covers(struct str granted, struct str wanted)
{
    struct str have, want;

    while (str_present(granted) && str_present(wanted)) {
        str_cut(granted, ':', &have, &granted);
        str_cut(wanted, ':', &want, &wanted);
        if (!str_equal(have, STR("*")) && !str_equal(have, want))
            return false;
    }
    return !str_present(granted) && !str_present(wanted);
}

static bool covers_one_of(struct str granted, struct str alternatives)
{
    struct str wanted;

    while (str_present(alternatives)) {
        str_cut(alternatives, ' ', &wanted, &alternatives);
        if (permission_covers(granted, wanted))
            return true;
    }
    return false;
}

uint32_t permission_bits(struct str granted)
{
    uint32_t bits = 0;

    for (unsigned i = 0; i < PERMISSION_COUNT; i++)
        if (*permissions[i].enough && covers_one_of(granted, str_of(permissions[i].enough)))
            bits |= 1U << i;
    return bits;
}
