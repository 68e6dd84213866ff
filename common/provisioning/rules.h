// rules: checks of values that operators write. The error of a check states the rule, never the
// value.
#pragma once

#include "base/err.h"
#include "base/str.h"

MUST_USE bool uuid_check(struct str text, struct err *err);
MUST_USE bool permission_check(struct str text, struct err *err);  // product:role:resource
MUST_USE bool webhook_url_check(struct str text, struct err *err); // http or https, no userinfo
// Of a webhook's URL where the operator allows no http (NEXUS_WEBHOOK_HTTPS_ONLY).
MUST_USE bool webhook_https_check(struct str url, bool https_only, struct err *err);
MUST_USE bool section_name_check(struct str text, struct err *err); // letters, digits, "_-."
MUST_USE bool domain_check(struct str text, struct err *err);       // in lower case
MUST_USE bool time_check(struct str text, struct err *err);         // RFC 3339 in UTC, or a day
MUST_USE bool day_check(struct str text, struct err *err);
MUST_USE bool validity_check(struct str text, struct err *err); // a duration up to a week
