/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/steps.h"

const asy_step asy_step_slack_zero = {.name = "slack.zero",
                                      .version = 1,
                                      .cause = "encoding.container",
                                      .summary =
                                          "zero bytes after the end that only fill a record up"};
