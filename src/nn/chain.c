#include "nn/chain.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "nn/tiling.h"

enum { MOST_PARTS = 4 };

// A stretch of the net.
typedef struct part {
    cgv_net net;     // a view of the whole one, if it is not that
    cgv_size *sizes; // of its nodes, for the whole picture
    bool tiled;
    cgv_tiling tiling;
    cgv_plan *plan; // for a tile, or for the whole picture
    cgv_tape tape;
    cgv_tensor input, output; // of the whole picture
    uint64_t held;            // where its statistics are among those of all parts
} part;

struct cgv_chain {
    cgv_device *device;
    cgv_kernels kernels;
    part parts[MOST_PARTS];
    int part_count;
    bool keeps_input;
    cgv_buffer memory;       // of tiled parts: input and output, statistics, moments
    uint64_t stats, moments; // there
    uint64_t keep;           // the weight of what the statistics hold already; 0: none
    uint64_t held_bytes;
};

// ---- parts ----

static cgv_status add_part(cgv_chain *chain, const cgv_net *net, int first, int last, cgv_size size,
                           int tile) {
    part *p = &chain->parts[chain->part_count++];
    p->tiled = tile > 0;
    cgv_status status = cgv_net_part(&p->net, net, first, last);
    if (status)
        return status;
    p->sizes = calloc((size_t)p->net.node_count, sizeof *p->sizes);
    if (!p->sizes)
        return cgv_fail(CGV_ERROR_MEMORY, "cutting the network: out of memory");
    status = cgv_net_shapes(&p->net, size.h, size.w, p->sizes);
    return !status && p->tiled ? cgv_tiling_make(&p->tiling, &p->net, p->sizes, tile) : status;
}

// tile: of the net's input.
static cgv_status cut(cgv_chain *chain, const cgv_net *net, cgv_size size, int tile) {
    int first, last, begin = cgv_tiling_begin(net), end = net->node_count - 1;
    cgv_size *sizes = calloc((size_t)net->node_count, sizeof *sizes);
    if (!sizes)
        return cgv_fail(CGV_ERROR_MEMORY, "cutting the network: out of memory");
    cgv_status status = cgv_net_shapes(net, size.h, size.w, sizes);
    if (!status) {
        cgv_tiling_narrow(&first, &last, net, sizes);
        if (begin)
            status = add_part(chain, net, 0, begin, size, 0);
    }
    if (!status && first > begin)
        status = add_part(chain, net, begin, first, size, tile);
    if (!status && last > first)
        status = add_part(chain, net, first, last, sizes[first], 0);
    if (!status && end > last) {
        const int64_t inner = (int64_t)tile * sizes[last].h / size.h;
        status = add_part(chain, net, last, end, sizes[last], inner > 0 ? (int)inner : 1);
    }
    free(sizes);
    return status;
}

static cgv_status make_plan(cgv_chain *chain, part *p, const cgv_net *net,
                            const cgv_plan_params *params) {
    cgv_status status = cgv_plan_create(&p->plan, chain->device, net, params);
    if (!status)
        status = cgv_tape_create(&p->tape, p->plan);
    if (status)
        return status;
    p->held = chain->held_bytes;
    chain->held_bytes += cgv_plan_held_bytes(p->plan);
    if (!p->tiled) {
        p->input = p->tape.input;
        p->output = p->tape.output;
    }
    return CGV_OK;
}

static cgv_status make_part(cgv_chain *chain, part *p) {
    const cgv_plan_params params = {
        .n = 1,
        .h = p->tiled ? p->tiling.down.tile : p->sizes[0].h,
        .w = p->tiled ? p->tiling.across.tile : p->sizes[0].w,
        .kernels = chain->kernels,
    };
    return make_plan(chain, p, &p->net, &params);
}

// ---- tiles ----

// What tile (ty, tx) is taken for, in a tensor of the tile.
static cgv_region own_region(const part *p, cgv_tensor tensor, int ty, int tx) {
    const cgv_tile_axis *down = &p->tiling.down, *across = &p->tiling.across;
    cgv_tile_span y = cgv_tile_at(down, ty), x = cgv_tile_at(across, tx);
    return (cgv_region){
        .y = (int)((int64_t)(y.own - y.begin) * tensor.h / down->tile),
        .x = (int)((int64_t)(x.own - x.begin) * tensor.w / across->tile),
        .h = (int)((int64_t)(y.end - y.own) * tensor.h / down->tile),
        .w = (int)((int64_t)(x.end - x.own) * tensor.w / across->tile),
    };
}

static int tile_count(const part *p) {
    return p->tiling.down.count * p->tiling.across.count;
}

// Stripes of moments of the tiles before tile t, in a tensor of a tile.
static int stripes_before(const part *p, cgv_tensor tensor, int t) {
    int stripes = 0;
    for (int i = 0; i < t; i++)
        stripes += cgv_region_stripes(
            own_region(p, tensor, i / p->tiling.across.count, i % p->tiling.across.count));
    return stripes;
}

// ---- memory ----

static cgv_tensor whole_tensor(const part *p, int node) {
    return (cgv_tensor){
        .n = 1, .c = p->net.nodes[node].channels, .h = p->sizes[node].h, .w = p->sizes[node].w};
}

static uint64_t room(uint64_t bytes) {
    return (bytes + 255) / 256 * 256;
}

static void place(cgv_tensor *tensor, uint64_t *next) {
    tensor->address = *next;
    *next += room(cgv_tensor_bytes(*tensor));
}

static bool same_size(cgv_tensor a, cgv_tensor b) {
    return a.c == b.c && a.h == b.h && a.w == b.w;
}

static uint64_t moments_bytes(const part *p) {
    uint64_t most = 0;
    for (int k = 0; k < cgv_plan_norm_count(p->plan); k++) {
        cgv_tensor x = cgv_plan_norm_at(p->plan, &p->tape, k).input;
        uint64_t bytes = cgv_region_moments_bytes(x, stripes_before(p, x, tile_count(p)));
        most = bytes > most ? bytes : most;
    }
    return most;
}

// Everything from address `base` on; returns where it ends. What lies between two parts is a tensor
// of the one that is not in tiles; between two that are, it has a place here.
static uint64_t lay_out(cgv_chain *chain, uint64_t base) {
    uint64_t next = base, moments = 0;
    for (int i = 0; i < chain->part_count; i++) {
        part *p = &chain->parts[i];
        bool last = i + 1 == chain->part_count;
        if (!p->tiled)
            continue;
        p->input = i ? p[-1].output : whole_tensor(p, 0);
        if (!i)
            place(&p->input, &next);
        p->output = last || p[1].tiled ? whole_tensor(p, p->net.node_count - 1) : p[1].input;
        if (last && i && !chain->keeps_input && same_size(p->output, chain->parts[0].input))
            p->output.address = chain->parts[0].input.address; // nobody reads that any more
        else if (last || p[1].tiled)
            place(&p->output, &next);
        uint64_t bytes = moments_bytes(p);
        moments = bytes > moments ? bytes : moments;
    }
    chain->moments = next;
    next += room(moments);
    chain->stats = next;
    return next + room(chain->held_bytes);
}

// Shaders index the elements of a tensor with 32 bits; a plan looks at those of a tile only.
static cgv_status check_sizes(const part *p) {
    for (int end = 0; end < 2; end++) {
        cgv_tensor t = whole_tensor(p, end ? p->net.node_count - 1 : 0);
        if (p->tiled && cgv_tensor_bytes(t) / sizeof(float) > INT32_MAX)
            return cgv_fail(
                CGV_ERROR_UNSUPPORTED,
                "%s at %dx%d: a tensor of more than 2^31 elements; use smaller pictures",
                p->net.architecture, p->sizes[0].w, p->sizes[0].h);
    }
    return CGV_OK;
}

static cgv_status allocate(cgv_chain *chain) {
    cgv_status status = cgv_buffer_create(&chain->memory, chain->device, lay_out(chain, 0),
                                          CGV_MEMORY_DEVICE, "tiles");
    if (status)
        return status;
    lay_out(chain, chain->memory.address);
    for (int i = 0; i < chain->part_count; i++)
        if (chain->parts[i].tiled)
            cgv_tape_give(&chain->parts[i].tape, chain->stats + chain->parts[i].held);
    return CGV_OK;
}

static void destroy_parts(cgv_chain *chain) {
    for (int i = 0; i < chain->part_count; i++) {
        part *p = &chain->parts[i];
        cgv_tape_destroy(&p->tape);
        cgv_plan_destroy(&p->plan);
        cgv_net_part_destroy(&p->net);
        free(p->sizes);
    }
    memset(chain->parts, 0, sizeof chain->parts);
    chain->part_count = 0;
}

static cgv_status create_whole(cgv_chain *chain, const cgv_net *net,
                               const cgv_plan_params *params) {
    chain->part_count = 1;
    return make_plan(chain, &chain->parts[0], net, params);
}

// With what it needs around it a tile may be all there is.
static bool tiles_are_whole(const cgv_chain *chain) {
    for (int i = 0; i < chain->part_count; i++)
        if (chain->parts[i].tiled && !cgv_tiling_is_whole(&chain->parts[i].tiling))
            return false;
    return true;
}

static cgv_status create_tiled(cgv_chain *chain, const cgv_net *net, const cgv_plan_params *params,
                               int tile) {
    cgv_status status = cut(chain, net, (cgv_size){params->h, params->w}, tile);
    if (!status && tiles_are_whole(chain)) {
        cgv_log(CGV_LOG_WARNING,
                "tiles of %d, with what this network needs around them, are the whole picture: no "
                "memory is saved",
                tile);
        destroy_parts(chain);
        return create_whole(chain, net, params);
    }
    chain->keeps_input = params->keep_input;
    for (int i = 0; i < chain->part_count && !status; i++)
        status = check_sizes(&chain->parts[i]);
    for (int i = 0; i < chain->part_count && !status; i++)
        status = make_part(chain, &chain->parts[i]);
    return status ? status : allocate(chain);
}

cgv_status cgv_chain_create(cgv_chain **out, cgv_device *device, const cgv_net *net,
                            const cgv_plan_params *params, int tile) {
    cgv_chain *chain = *out = calloc(1, sizeof *chain);
    if (!chain)
        return cgv_fail(CGV_ERROR_MEMORY, "planning the network: out of memory");
    chain->device = device;
    chain->kernels = params->kernels;
    bool tiled = tile && (params->h > tile || params->w > tile);
    cgv_status status =
        tiled ? create_tiled(chain, net, params, tile) : create_whole(chain, net, params);
    if (status)
        cgv_chain_destroy(out);
    return status;
}

void cgv_chain_destroy(cgv_chain **out) {
    if (!out || !*out)
        return;
    cgv_chain *chain = *out;
    *out = NULL;
    destroy_parts(chain);
    cgv_buffer_destroy(&chain->memory);
    free(chain);
}

cgv_tensor cgv_chain_input(const cgv_chain *chain) {
    return chain->parts[0].input;
}

cgv_tensor cgv_chain_output(const cgv_chain *chain) {
    return chain->parts[chain->part_count - 1].output;
}

uint64_t cgv_chain_bytes(const cgv_chain *chain) {
    uint64_t bytes = chain->memory.size;
    for (int i = 0; i < chain->part_count; i++)
        bytes += cgv_plan_bytes(chain->parts[i].plan) + cgv_tape_bytes(&chain->parts[i].tape);
    return bytes;
}

uint64_t cgv_chain_held_bytes(const cgv_chain *chain) {
    return chain->held_bytes;
}

void cgv_chain_hold(cgv_chain *chain, uint64_t stats, uint64_t keep) {
    chain->stats = stats;
    chain->keep = keep;
    for (int i = 0; i < chain->part_count; i++) {
        part *p = &chain->parts[i];
        if (p->tiled)
            cgv_tape_give(&p->tape, stats + p->held);
        else
            cgv_tape_hold(&p->tape, stats + p->held, keep);
    }
}

// ---- recording ----

void cgv_chain_pack(cgv_chain *chain, cgv_cmd *cmd, const cgv_params *params) {
    for (int i = 0; i < chain->part_count; i++)
        cgv_plan_pack(chain->parts[i].plan, cmd, params);
}

// Work on a tile as far as step `end`.
static void record_tile(const part *p, cgv_cmd *cmd, const cgv_params *params, int ty, int tx,
                        int end) {
    cgv_tensor x = p->tape.input;
    const cgv_region region = {cgv_tile_at(&p->tiling.down, ty).begin,
                               cgv_tile_at(&p->tiling.across, tx).begin, x.h, x.w};
    cgv_region_copy(cmd, x, 0, 0, p->input, region);
    cgv_plan_record_until(p->plan, cmd, params, &p->tape, end);
}

// All tiles, for the statistics of one instance norm.
static void record_stats(const cgv_chain *chain, const part *p, cgv_cmd *cmd,
                         const cgv_params *params, int k) {
    const cgv_plan_norm norm = cgv_plan_norm_at(p->plan, &p->tape, k);
    for (int t = 0; t < tile_count(p); t++) {
        int ty = t / p->tiling.across.count, tx = t % p->tiling.across.count;
        uint64_t before = cgv_region_moments_bytes(norm.input, stripes_before(p, norm.input, t));
        record_tile(p, cmd, params, ty, tx, norm.step);
        cgv_region_moments(cmd, chain->moments + before, norm.input,
                           own_region(p, norm.input, ty, tx));
    }
    cgv_region_stats(cmd, chain->stats + p->held + norm.held, chain->moments, norm.input,
                     stripes_before(p, norm.input, tile_count(p)), chain->keep, norm.epsilon);
}

static void record_tiled(const cgv_chain *chain, const part *p, cgv_cmd *cmd,
                         const cgv_params *params) {
    for (int k = 0; k < cgv_plan_norm_count(p->plan); k++)
        record_stats(chain, p, cmd, params, k);
    cgv_tensor y = p->tape.output;
    for (int t = 0; t < tile_count(p); t++) {
        int ty = t / p->tiling.across.count, tx = t % p->tiling.across.count;
        const cgv_region own = own_region(p, y, ty, tx);
        const int64_t top = cgv_tile_at(&p->tiling.down, ty).own;
        const int64_t left = cgv_tile_at(&p->tiling.across, tx).own;
        record_tile(p, cmd, params, ty, tx, cgv_plan_step_count(p->plan));
        cgv_region_copy(cmd, p->output, (int)(top * y.h / p->tiling.down.tile),
                        (int)(left * y.w / p->tiling.across.tile), y, own);
    }
}

void cgv_chain_record(const cgv_chain *chain, cgv_cmd *cmd, const cgv_params *params) {
    for (int i = 0; i < chain->part_count; i++) {
        const part *p = &chain->parts[i];
        if (p->tiled)
            record_tiled(chain, p, cmd, params);
        else
            cgv_plan_record(p->plan, cmd, params, &p->tape);
    }
}
