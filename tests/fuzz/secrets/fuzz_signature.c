// A request that a stranger signed never passes, whatever its headers are. A request that Nexus signed passes, even with the
// stranger's bytes in headers that are not signatures.
#include "tests/fuzz/fuzz.h"

#include "secrets/signature.h"

FUZZ(bytes)
{
    static const struct str secret = STR_INIT("the secret of a number");
    struct proof proof = {0};
    struct str *headers[] = {&proof.hub_sha1, &proof.hub_sha256, &proof.id, &proof.timestamp,
                             &proof.standard};
    AUTO(buf) right = {0};

    for (size_t i = 0; i < COUNT_OF(headers) && str_present(bytes); i++) {
        str_cut(bytes, '\n', headers[i], &bytes);
        if (headers[i]->len == 0)
            *headers[i] = STR_ABSENT;
    }
    proof.body = str_present(bytes) ? bytes : STR("");
    proof.inflated = proof.body;
    ASSERT(!signature_holds(&proof, &secret, 1, 1761000000));

    signature_hub_sha256(secret, proof.body, &right);
    proof.hub_sha1 = proof.standard = STR_ABSENT;
    proof.hub_sha256 = buf_str(&right);
    ASSERT(signature_holds(&proof, &secret, 1, 1761000000));
}
