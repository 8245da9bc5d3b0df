// The rules by which convolutions take their register tiles, fitted on a few devices.
#include <limits.h>

#include "ops/choose.h"
#include "ops/conv_internal.h"
#include "ops/dispatch.h"

int cgv_conv_tiles(cgv_conv_choice tile, int width, int height) {
    return cgv_divide_up(width, tile.tile_x) * cgv_divide_up(height, tile.tile_y);
}

// Subgroups that one block of output channels takes.
static int64_t runs(cgv_conv_choice tile, int width, int height, const cgv_limits *limits) {
    return cgv_divide_up(cgv_conv_tiles(tile, width, height), (int)limits->subgroup);
}

// What a picture costs with this tile: lanes idle beyond its end work too, and a tile loads
// x + kernel - 1 columns for x results. The weights of both were fitted on lavapipe.
static int64_t picture_cost(cgv_conv_choice tile, int width, int height, int kernel,
                            const cgv_limits *limits) {
    return runs(tile, width, height, limits) * tile.tile_y * (2 * tile.tile_x + kernel);
}

// A GPU hides the time of loads by having many subgroups at hand, several a scheduler: where
// large tiles give too few, smaller ones win, though each loaded value serves fewer products.
static cgv_conv_choice filling_tile(cgv_conv_choice tile, int width, int height, int64_t blocks,
                                    const cgv_limits *limits) {
    enum { SUBGROUPS = 1024 };
    while (tile.tile_x * tile.tile_y > 1 &&
           blocks * runs(tile, width, height, limits) < SUBGROUPS) {
        if (tile.tile_y >= tile.tile_x)
            tile.tile_y /= 2;
        else
            tile.tile_x /= 2;
    }
    return tile;
}

// On a CPU driver whatever a loop changes is fetched, blended with what lanes that have left the
// loop keep, and put back, which costs as much as three products, and more in double. So a kernel
// of few taps takes several channels, up to so many that each sum has `wanted` products; of a
// transposed convolution it has a quarter of them in each phase.
int cgv_conv_turn(const cgv_conv_params *params, const cgv_limits *limits) {
    bool phases = params->transposed && params->kernel > 1,
         wide = params->exact && limits->wide_sums;
    int wanted = phases ? 4 * 8 : wide ? 18 : 8, taps = params->kernel * params->kernel;
    int turn = limits->cpu && taps < wanted ? wanted / taps : 1;
    while (params->cin / params->groups % turn)
        turn--;
    return turn;
}

// On a CPU a row of seven taps is enough for a sum to be fetched for, and all 49 would leave room
// for few channels in a program that is not too long; but where there are few, all 49 make the most
// of what was loaded.
static int rule_rows(const cgv_conv_params *params, const cgv_limits *limits) {
    enum { MANY_TAPS = 7, FEW_CHANNELS = 4 };
    bool many = params->kernel >= MANY_TAPS && params->cout / params->groups > FEW_CHANNELS;
    return limits->cpu && many && !params->transposed ? 1 : 0;
}

bool cgv_conv_is_long(cgv_conv_choice choice, const cgv_conv_params *params,
                      const cgv_limits *limits) {
    int rows = choice.tap_rows ? choice.tap_rows : params->kernel;
    return cgv_conv_turn(params, limits) * rows * params->kernel * choice.tile_x * choice.tile_y *
               choice.tile_c >
           CGV_CONV_MOST_PRODUCTS;
}

// On a GPU 8, which is what its registers hold beside the pixels, or 16 for 1x1 kernels, whose tile
// is small. On a CPU sums lie in its first cache anyhow, and what counts is how many of them a
// gathered value serves: 16, and up to 24 where that leaves fewer of the last block idle
// and the program is not too long.
static int rule_channels(const cgv_conv_params *params, const cgv_limits *limits,
                         cgv_conv_choice tile) {
    int cout = params->cout / params->groups;
    if (!limits->cpu)
        return params->kernel == 1 ? 16 : 8;
    tile.tile_c = 24;
    while (tile.tile_c > 1 && cgv_conv_is_long(tile, params, limits))
        tile.tile_c--;
    int most = tile.tile_c;
    int least = most < 16 ? most : 16, best = least, fewest = INT_MAX;
    for (int blocks = cgv_divide_up(cout, most); blocks <= cgv_divide_up(cout, least); blocks++) {
        int each = cgv_divide_up(cout, blocks);
        if (blocks * each < fewest) {
            fewest = blocks * each;
            best = each;
        }
    }
    return best;
}

// Fewer channels a lane where there would be too few subgroups for all threads to be done at about
// the same time. planes: pictures times groups.
static cgv_conv_choice busy_threads(cgv_conv_choice tile, int width, int height, int64_t planes,
                                    int cout, const cgv_limits *limits) {
    enum { LEAST = 8, SUBGROUPS = 4 }; // channels; for each thread
    while (tile.tile_c > LEAST &&
           planes * cgv_divide_up(cout, tile.tile_c) * runs(tile, width, height, limits) <
               SUBGROUPS * limits->threads)
        tile.tile_c = cgv_divide_up(tile.tile_c, 2);
    return tile;
}

cgv_conv_choice cgv_conv_rule_direct(const cgv_device *device, cgv_tensor y, cgv_tensor x,
                                     const cgv_conv_params *params) {
    const cgv_limits *limits = cgv_device_limits(device);
    // Where each channel of a lane has two of x to serve, half of the pixels leave room for all of
    // them.
    bool high = params->kernel == 3 && params->stride == 1 && !limits->few_registers &&
                cgv_conv_turn(params, limits) == 1;
    cgv_conv_choice tile = {CGV_CONV_DIRECT, 4, high ? 4 : 2, 0, rule_rows(params, limits)};
    int width = y.w, height = y.h, cout = params->cout / params->groups;
    int64_t planes = (int64_t)x.n * params->groups;
    if (params->transposed) {
        width = cgv_divide_up(width, 2);
        height = cgv_divide_up(height, 2);
        tile.tile_x = tile.tile_y = 2;
    }
    tile.tile_c = rule_channels(params, limits, tile);
    while (tile.tile_y > 1 && tile.tile_y > height)
        tile.tile_y /= 2;
    if (!limits->cpu)
        return filling_tile(tile, width, height, planes * cgv_divide_up(cout, tile.tile_c), limits);
    cgv_conv_choice narrow = tile;
    while ((narrow.tile_x /= 2) >= 1)
        if (picture_cost(narrow, width, height, params->kernel, limits) <
            picture_cost(tile, width, height, params->kernel, limits))
            tile = narrow;
    return busy_threads(tile, width, height, planes, cout, limits);
}

// An even number of channels; on a CPU more of them, for the same reason as above, in as even a
// split as possible.
cgv_conv_choice cgv_conv_rule_winograd(const cgv_device *device, const cgv_conv_params *params) {
    int blocks = cgv_divide_up(params->cout, 32);
    bool cpu = cgv_device_limits(device)->cpu;
    return (cgv_conv_choice){.kernel = CGV_CONV_WINOGRAD,
                             .tile_c = cpu ? cgv_divide_up(params->cout, 2 * blocks) * 2 : 16};
}

cgv_conv_choice cgv_conv_rule_depthwise(const cgv_device *device, cgv_tensor y,
                                        const cgv_conv_params *params) {
    const cgv_limits *limits = cgv_device_limits(device);
    int side = limits->cpu ? 8 : 4;
    cgv_conv_choice tile = {CGV_CONV_DEPTHWISE, side, side, 1, 0};
    if (!limits->cpu)
        return filling_tile(tile, y.w, y.h, (int64_t)y.n * params->groups, limits);
    // Of a small plane a tile for each lane.
    while (tile.tile_x * tile.tile_y > 1 &&
           cgv_conv_tiles(tile, y.w, y.h) < (int)limits->subgroup) {
        if (tile.tile_y >= tile.tile_x)
            tile.tile_y /= 2;
        else
            tile.tile_x /= 2;
    }
    return tile;
}
