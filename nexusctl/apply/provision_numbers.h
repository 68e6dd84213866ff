// provision_numbers: the short forms of a contact center in the operator's file, as the sections and
// services that they stand for.
//
//   numbers: [{address, name, …}]     NexusServices/chat.<name>; name is the section's, the rest options
//   domains: [{address, name, …}]     NexusServices/cxc.<name>
//   headers: {x-account: …}           NexusServices/Async, header:x-account
//   keywords: {stop: "basta, fin"}    NexusServices/Keywords
//   endpoints: {sales: {queue, …}}    NexusEndpoints/sales
//   designer: {url, …}                DesignerEnv/options
//   webhook, api of a number          its entry in the service Async
#pragma once

#include "nexusctl/apply/provision_file.h"

struct short_forms {
    const struct json_view *numbers, *domains, *headers, *keywords, *endpoints, *designer;
    bool https_only; // webhooks must have https://
};

// Makes tenant->sections; *async becomes the service's document, or absent if no number has a
// webhook.
MUST_USE bool provision_numbers_read(const struct short_forms *forms, struct str path,
                                     struct arena *arena, struct file_tenant *tenant,
                                     struct str *async, struct err *err);

// Writes JSON in which every number and flag is the text that the file has, because all options are
// texts. Lists and objects are not changed.
void texts_write(const struct json_view *view, struct buf *out);
