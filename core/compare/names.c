/* SPDX-License-Identifier: Apache-2.0 */
/* The words of the report. */
#include "compare/compare.h"

#include <string.h>

static const char *const verdicts[] = {[ASY_IDENTICAL] = "identical",
                                       [ASY_EQUIVALENT] = "equivalent",
                                       [ASY_EXPLAINED_ONLY] = "explained",
                                       [ASY_DIFFERENT] = "different",
                                       [ASY_INCONCLUSIVE] = "inconclusive"};

const char *asy_verdict_name(asy_verdict verdict)
{
    return verdicts[verdict];
}

bool asy_verdict_parse(const char *word, asy_verdict *out)
{
    for (asy_verdict v = ASY_IDENTICAL; v <= ASY_EXPLAINED_ONLY; v++) {
        if (strcmp(verdicts[v], word) == 0) {
            *out = v;
            return true;
        }
    }
    return false;
}

const char *asy_status_name(asy_status status)
{
    static const char *const names[] = {
        [ASY_BENIGN] = "benign", [ASY_EXPLAINED] = "explained", [ASY_UNEXPLAINED] = "unexplained"};
    return names[status];
}

const char *asy_risk_name(asy_risk risk)
{
    static const char *const names[] = {[ASY_RISK_NONE] = "none",
                                        [ASY_RISK_LOW] = "low",
                                        [ASY_RISK_MEDIUM] = "medium",
                                        [ASY_RISK_HIGH] = "high",
                                        [ASY_RISK_CRITICAL] = "critical"};
    return names[risk];
}

const char *asy_kind_name(asy_kind kind)
{
    static const char *const names[] = {
        [ASY_CHANGED] = "changed", [ASY_ADDED] = "added",         [ASY_REMOVED] = "removed",
        [ASY_RENAMED] = "renamed", [ASY_REORDERED] = "reordered", [ASY_MALFORMED] = "malformed"};
    return names[kind];
}
