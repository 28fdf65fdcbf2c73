/* SPDX-License-Identifier: Apache-2.0 */
/* steps: normalisation steps that more than one format uses (docs/spec/steps.md). */
#ifndef ASY_FORMATS_STEPS_H
#define ASY_FORMATS_STEPS_H

#include "tree/tree.h"

extern const asy_step asy_step_slack_zero;

#endif
