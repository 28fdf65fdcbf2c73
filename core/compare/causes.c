/* SPDX-License-Identifier: Apache-2.0 */
/* The table of causes: one line an id; docs/causes/<id>.md says more. */
#include "compare/compare.h"

#include <string.h>

static const asy_cause causes[] = {
    {"derived.build-id", "a build-id that follows from other changes of the same program",
     "mend what else differs in the file; the build-id follows"},
    {"derived.checksum", "a checksum that follows from what it covers",
     "mend what else differs; the checksum follows"},
    {"derived.debuglink", "a checksum of the detached debug file",
     "mend what differs in the debug file; the link follows"},
    {"derived.size", "a size that follows from what it measures",
     "mend what else differs; the size follows"},
    {"encoding.compression", "the same data, compressed otherwise",
     "pin the compressor, its version, its level and its number of threads"},
    {"encoding.container", "the same members, spelled otherwise by the archiver",
     "pin the archiver and its format option, such as tar --format=gnu"},
    {"order.archive-members", "the same members in another order",
     "sort the names before archiving: tar --sort=name, or a sorted list of files"},
    {"order.static-library", "the same objects of a static library in another order",
     "sort the objects before calling ar"},
    {"timestamp.archive-member", "times of members that follow the clock of the build",
     "clamp them: tar --mtime=@$SOURCE_DATE_EPOCH --clamp-mtime"},
    {"timestamp.gzip-header", "gzip stored the time of compression",
     "call gzip -n, or set the header's time to SOURCE_DATE_EPOCH"},
};

const asy_cause *asy_cause_find(const char *id)
{
    for (size_t i = 0; i < ASY_COUNT(causes); i++)
        if (strcmp(causes[i].id, id) == 0)
            return &causes[i];
    return NULL;
}

const asy_cause *asy_cause_all(size_t *count)
{
    *count = ASY_COUNT(causes);
    return causes;
}
