/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever no other format claims: one opaque region. */
#include "formats/format.h"

static int probe(const asy_probe *file ASY_UNUSED)
{
    return ASY_BID_ANY;
}

static int read_bytes(asy_layout *layout, asy_error *error ASY_UNUSED)
{
    asy_layout_region(layout, 0, asy_layout_bytes(layout).len, "bytes", ASY_ROLE_OPAQUE);
    return ASY_OK;
}

extern const asy_format asy_format_bytes;
const asy_format asy_format_bytes = {
    .name = "bytes", .title = "data", .payload = true, .probe = probe, .read = read_bytes};
