// secret_option: see the header.
#include "nexusctl/cli/secret_option.h"

#include "nexusctl/cli/output.h"

enum { SHOWN_LIMIT = 2048 };

bool secret_option_read(struct call *call, struct str *secret, struct err *err)
{
    if (option_given(call, SECRET_FILE)) {
        if (!call_read(call, option_text(call, SECRET_FILE), secret, err))
            return false;
        *secret = str_trim(*secret);
    } else {
        *secret = option_text(call, SECRET);
    }
    if (secret->len == 0)
        return usage_set(call, err, "no secret is given: give --secret-file FILE or --secret TEXT");
    return true;
}

bool body_read(struct call *call, struct str *body, struct err *err)
{
    return call_read(call, call->argument_count ? call->arguments[0] : STR("-"), body, err);
}

void signed_print(struct str text, struct buf *out)
{
    buf_printf(out, "  the signed string is %s%zu byte%s:\n  %.*s%s\n",
               plural((int64_t)text.len, "this ", "these "), text.len,
               plural((int64_t)text.len, "", "s"),
               (int)(text.len < SHOWN_LIMIT ? text.len : SHOWN_LIMIT), text.ptr,
               text.len > SHOWN_LIMIT ? "…" : "");
}
