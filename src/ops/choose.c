// The choice among the kernels of a convolution. Its measurements: ops/choose_measure.c.
#include "ops/choose.h"

#include <stdio.h>

// Channels from which on Winograd pays, measured on lavapipe with AVX2 and with AVX-512. A training
// keeps to the direct sum, which its losses are compared with.
static bool rule_winograd(const cgv_device *device, const cgv_conv_params *params) {
    int from = cgv_device_limits(device)->few_registers ? 48 : 32;
    return !params->exact && params->cin >= from && params->cout >= from &&
           cgv_conv_winograd_fits(params);
}

cgv_conv_choice cgv_conv_rule(const cgv_device *device, cgv_tensor y, cgv_tensor x,
                              const cgv_conv_params *params) {
    return rule_winograd(device, params) ? (cgv_conv_choice){.winograd = true}
                                         : cgv_conv_rule_direct(device, y, x, params);
}

void cgv_conv_choice_name(char name[CGV_CHOICE_NAME], cgv_conv_choice choice) {
    if (choice.winograd)
        snprintf(name, CGV_CHOICE_NAME, "winograd");
    else
        snprintf(name, CGV_CHOICE_NAME, "direct %dx%d", choice.tile_x, choice.tile_y);
}

static bool same(cgv_conv_choice a, cgv_conv_choice b) {
    return a.winograd == b.winograd && a.tile_x == b.tile_x && a.tile_y == b.tile_y;
}

static void add(cgv_conv_choice *choices, int *count, cgv_conv_choice choice) {
    for (int i = 0; i < *count; i++)
        if (same(choices[i], choice))
            return;
    if (*count < CGV_MAX_CHOICES)
        choices[(*count)++] = choice;
}

#define TILE(x, y)                                                                                 \
    { .tile_x = (x), .tile_y = (y) }
enum { MOST_TILES = 5 };

// Few, for each is compiled, and those that won somewhere.
typedef struct tile_table {
    cgv_conv_choice tiles[MOST_TILES + 1];
} tile_table;

static const tile_table *tiles_for(const cgv_limits *limits, bool transposed) {
    static const tile_table tables[2][2] = {
        {{{TILE(4, 4), TILE(4, 2), TILE(2, 2), TILE(2, 1), TILE(1, 1)}},
         {{TILE(2, 2), TILE(4, 2), TILE(2, 1), TILE(1, 1)}}},
        {{{TILE(4, 4), TILE(4, 2), TILE(8, 2), TILE(2, 4)}},
         {{TILE(2, 2), TILE(4, 2), TILE(4, 1)}}},
    };
    return &tables[limits->cpu][transposed];
}

int cgv_conv_choices(cgv_conv_choice choices[CGV_MAX_CHOICES], const cgv_device *device,
                     cgv_tensor y, cgv_tensor x, const cgv_conv_params *params) {
    const tile_table *table = tiles_for(cgv_device_limits(device), params->transposed);
    int count = 0;
    add(choices, &count, cgv_conv_rule(device, y, x, params));
    add(choices, &count, cgv_conv_rule_direct(device, y, x, params));
    if (!params->exact && cgv_conv_winograd_fits(params))
        add(choices, &count, (cgv_conv_choice){.winograd = true});
    int i = 0;
    while (i < MOST_TILES && table->tiles[i].tile_x)
        add(choices, &count, table->tiles[i++]);
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
