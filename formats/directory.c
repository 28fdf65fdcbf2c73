/* SPDX-License-Identifier: Apache-2.0 */
/* A folder on disk. It has no bytes of its own: core/tree/directory.c describes it. */
#include "formats/format.h"

extern const asy_format asy_format_directory;
const asy_format asy_format_directory = {
    .name = "directory", .title = "directory", .synthetic = true};
