// Which kernel a convolution takes: by rules, which were fitted on a few devices, or by measuring
// on the device at hand, once for each shape (cgv_notes of gpu/gpu.h).
#ifndef CGV_OPS_CHOOSE_H
#define CGV_OPS_CHOOSE_H

#include "ops/ops.h"

// By rule. y, x: of the convolution; their addresses do not matter here.
cgv_conv_choice cgv_conv_rule(const cgv_device *device, cgv_tensor y, cgv_tensor x,
                              const cgv_conv_params *params);
// The direct sum, and where they fit the depthwise one and Winograd's, with the tile that the rule
// gives.
cgv_conv_choice cgv_conv_rule_direct(const cgv_device *device, cgv_tensor y, cgv_tensor x,
                                     const cgv_conv_params *params);

cgv_conv_choice cgv_conv_rule_depthwise(const cgv_device *device, cgv_tensor y,
                                        const cgv_conv_params *params);
cgv_conv_choice cgv_conv_rule_winograd(const cgv_device *device, const cgv_conv_params *params);

// "winograd", "direct 4x2x16" or "depthwise 8x8".
enum { CGV_CHOICE_NAME = 24 };
void cgv_conv_choice_name(char name[CGV_CHOICE_NAME], cgv_conv_choice choice);

// What is measured: the rule's choice first, then the direct sum with the rule's tile, where that
// is another one, then others. Returns how many. With params->exact all give the same bytes.
enum { CGV_MAX_CHOICES = 8 };
int cgv_conv_choices(cgv_conv_choice choices[CGV_MAX_CHOICES], const cgv_device *device,
                     cgv_tensor y, cgv_tensor x, const cgv_conv_params *params);

// A choice that was measured.
typedef struct cgv_trial {
    double ms;     // of the fastest run
    double cpu_ms; // on a CPU device the time of all threads, of the run with the least; else 0
    bool right;    // its numbers are
} cgv_trial;
// Index of the one to take: the first whose numbers are right, unless another one is clearly
// faster.
int cgv_trial_winner(const cgv_trial *trials, int count);

// Measure, or find out that it was measured before. Zeroed but for `device`; one for a network.
typedef struct cgv_chooser {
    cgv_device *device;
    double ms;     // of measuring so far
    bool measured; // anything
} cgv_chooser;
CGV_NODISCARD cgv_status cgv_conv_choose(cgv_chooser *chooser, cgv_conv_choice *out, cgv_tensor y,
                                         cgv_tensor x, const cgv_conv_params *params);
void cgv_chooser_end(cgv_chooser *chooser); // keeps what was measured

#endif
