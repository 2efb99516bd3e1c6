/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The form of the IAM API on any bytes: parsed or refused with a code; no name comes twice, and all
 * parameters together are no longer than the form.
 */
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "iam/iam_call.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_INIT;
    struct error err = ERROR_INIT;
    struct iam_call *call = xcalloc(1, sizeof(*call));
    struct bytes marker;
    size_t total = 0;
    size_t count_max = 0;

    call->arena = &arena;
    if (iam_call_parse(call, bytes_of(data, size), &err) == ST_OK) {
        CHECK(call->parameter_count <= IAM_PARAMETER_COUNT_MAX);
        for (size_t i = 0; i < call->parameter_count; i++) {
            total += call->parameters[i].name.size + call->parameters[i].value.size;
            for (size_t j = 0; j < i; j++) {
                CHECK(!bytes_equal(call->parameters[i].name, call->parameters[j].name));
            }
        }
        CHECK(total <= size);
        if (iam_call_page(call, &marker, &count_max, &err) == ST_OK) {
            CHECK(count_max >= 1 && count_max <= 1000);
        }
    } else {
        CHECK(err.dialect_code != NULL);
    }
    free(call);
    arena_release(&arena);
    return 0;
}
