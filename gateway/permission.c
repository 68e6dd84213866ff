// permission: see the header.
#include "permission.h"

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
    static const struct str enough[PERMISSION_COUNT] = {
#define X(name, alternatives) [PERMISSION_##name] = STR_INIT(alternatives),
        PERMISSIONS(X)
#undef X
    };
    uint32_t bits = 0;

    for (unsigned i = 0; i < PERMISSION_COUNT; i++)
        if (enough[i].len && covers_one_of(granted, enough[i]))
            bits |= 1U << i;
    return bits;
}
