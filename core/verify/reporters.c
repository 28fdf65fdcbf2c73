/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/reporters.h"

#include <string.h>

static const asy_verify_reporter reporters[] = {
    {"text", asy_verify_write_text},
    {"json", asy_verify_write_json},
};

const asy_verify_reporter *asy_verify_reporter_find(const char *name)
{
    for (size_t i = 0; i < ASY_COUNT(reporters); i++)
        if (strcmp(reporters[i].name, name) == 0)
            return &reporters[i];
    return NULL;
}
