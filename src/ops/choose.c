// The choice among the kernels of a convolution. Its measurements: ops/choose_measure.c.
#include "ops/choose.h"

#include <stdio.h>

#include "ops/conv_internal.h"
#include "ops/dispatch.h"

// Channels from which on Winograd pays, measured on lavapipe with AVX2 and with AVX-512. A training
// keeps to the direct sum, which its losses are compared with.
static bool rule_winograd(const cgv_device *device, const cgv_conv_params *params) {
    int from = cgv_device_limits(device)->few_registers ? 48 : 32;
    return !params->exact && params->cin >= from && params->cout >= from &&
           cgv_conv_fits(CGV_CONV_WINOGRAD, params);
}

cgv_conv_choice cgv_conv_rule(const cgv_device *device, cgv_tensor y, cgv_tensor x,
                              const cgv_conv_params *params) {
    if (cgv_conv_fits(CGV_CONV_DEPTHWISE, params))
        return cgv_conv_rule_depthwise(device, y, params);
    return rule_winograd(device, params) ? cgv_conv_rule_winograd(device, params)
                                         : cgv_conv_rule_direct(device, y, x, params);
}

void cgv_conv_choice_name(char name[CGV_CHOICE_NAME], cgv_conv_choice choice) {
    switch (choice.kernel) {
    case CGV_CONV_DIRECT:
        snprintf(name, CGV_CHOICE_NAME, "direct %dx%dx%d", choice.tile_x, choice.tile_y,
                 choice.tile_c);
        break;
    case CGV_CONV_DEPTHWISE:
        snprintf(name, CGV_CHOICE_NAME, "depthwise %dx%d", choice.tile_x, choice.tile_y);
        break;
    case CGV_CONV_WINOGRAD:
        snprintf(name, CGV_CHOICE_NAME, "winograd");
        break;
    }
}

static bool same(cgv_conv_choice a, cgv_conv_choice b) {
    return a.kernel == b.kernel && a.tile_x == b.tile_x && a.tile_y == b.tile_y &&
           a.tile_c == b.tile_c && a.tap_rows == b.tap_rows;
}

static void add(cgv_conv_choice *choices, int *count, cgv_conv_choice choice) {
    for (int i = 0; i < *count; i++)
        if (same(choices[i], choice))
            return;
    if (*count < CGV_MAX_CHOICES)
        choices[(*count)++] = choice;
}

#define TILE(x, y)                                                                                 \
    { (x), (y), false }
#define HALF(x, y)                                                                                 \
    { (x), (y), true }
// Few, for each is compiled, and those that won somewhere. Of the direct sum, for each number of
// channels: that of the rule, or half of it.
typedef struct tile {
    int x, y;
    bool half;
} tile;
enum { MOST_TILES = 6 };
typedef struct tile_table {
    tile tiles[MOST_TILES + 1]; // the last one is empty
} tile_table;

static const tile_table *tiles_for(const cgv_limits *limits, bool depthwise, bool transposed) {
    static const tile_table apart[2] = {
        {{TILE(4, 4), TILE(2, 4), TILE(2, 2), TILE(1, 4), TILE(1, 1)}},
        {{TILE(8, 8), TILE(16, 8), TILE(8, 4), TILE(4, 4)}},
    };
    static const tile_table direct[2][2] = {
        {{{TILE(4, 4), TILE(4, 2), TILE(2, 2), TILE(2, 1), TILE(1, 1)}},
         {{TILE(2, 2), TILE(4, 2), TILE(2, 1), TILE(1, 1)}}},
        {{{TILE(4, 2), TILE(2, 4), TILE(4, 4), HALF(4, 2)}},
         {{TILE(2, 2), TILE(4, 1), HALF(2, 2)}}},
    };
    return depthwise ? &apart[limits->cpu] : &direct[limits->cpu][transposed];
}

static void add_tiles(cgv_conv_choice *choices, int *count, cgv_conv_choice rule,
                      const cgv_conv_params *params, const cgv_limits *limits) {
    bool depthwise = rule.kernel == CGV_CONV_DEPTHWISE;
    const tile_table *table = tiles_for(limits, depthwise, params->transposed);
    for (const tile *t = table->tiles; t->x; t++) {
        cgv_conv_choice choice = rule;
        choice.tile_x = t->x;
        choice.tile_y = t->y;
        if (t->half)
            choice.tile_c = cgv_divide_up(choice.tile_c, 2);
        while (limits->cpu && !depthwise && choice.tile_c > 1 &&
               cgv_conv_is_long(choice, params, limits))
            choice.tile_c = cgv_divide_up(choice.tile_c, 2);
        if (!t->half || rule.tile_c > 8)
            add(choices, count, choice);
    }
}

int cgv_conv_choices(cgv_conv_choice choices[CGV_MAX_CHOICES], const cgv_device *device,
                     cgv_tensor y, cgv_tensor x, const cgv_conv_params *params) {
    bool depthwise = cgv_conv_fits(CGV_CONV_DEPTHWISE, params);
    cgv_conv_choice direct = cgv_conv_rule_direct(device, y, x, params);
    int count = 0;
    add(choices, &count, cgv_conv_rule(device, y, x, params));
    add(choices, &count, direct);
    if (!params->exact && cgv_conv_fits(CGV_CONV_WINOGRAD, params))
        add(choices, &count, cgv_conv_rule_winograd(device, params));
    add_tiles(choices, &count, depthwise ? cgv_conv_rule_depthwise(device, y, params) : direct,
              params, cgv_device_limits(device));
    return count;
}

// Clearly faster: less may be noise. On a CPU device the time of its threads counts, for in the
// other one there is what else the machine does.
static bool faster(const cgv_trial *a, const cgv_trial *b) {
    const double clearly = 0.92;
    return b->cpu_ms > 0 ? a->cpu_ms <= clearly * b->cpu_ms && a->ms <= b->ms
                         : a->ms <= clearly * b->ms;
}

int cgv_trial_winner(const cgv_trial *trials, int count) {
    int first = 0;
    while (first + 1 < count && !trials[first].right)
        first++;
    int best = first;
    for (int i = first + 1; i < count; i++) {
        const cgv_trial *t = &trials[i], *b = &trials[best];
        bool less = t->cpu_ms > 0 ? t->cpu_ms < b->cpu_ms : t->ms < b->ms;
        if (t->right && less && faster(t, &trials[first]))
            best = i;
    }
    return best;
}
