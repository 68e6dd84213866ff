#include "sms-worker/providers/provider.h"

#include "sms-worker/providers/provider_async.h"

const struct provider *provider_of(struct str name)
{
    static const struct provider *const providers[] = {&provider_async};
    for (size_t i = 0; i < COUNT_OF(providers); i++)
        if (str_equal_ignoring_case(providers[i]->name, name))
            return providers[i];
    return NULL;
}
