// A net ready for pictures of one size on one device: as one plan, or, where that needs too much
// memory, as three (and a coordinate at its beginning by itself). The first and the last, where
// tensors are large, work on the picture tile by tile; the one between, where they are small, on
// the whole of it. Statistics of instance norms are always those of the whole picture: each takes a
// pass over all tiles of its own.
//
//     cgv_chain_create(&chain, device, net, &(cgv_plan_params){.n = 1, .h = h, .w = w}, 256);
//     cgv_chain_pack(chain, cmd, params);
//     cgv_chain_record(chain, cmd, params); // cgv_chain_input(chain) -> cgv_chain_output(chain)
#ifndef CGV_NN_CHAIN_H
#define CGV_NN_CHAIN_H

#include "nn/plan.h"

typedef struct cgv_chain cgv_chain;

// tile: the side of a tile in elements of the input; 0: one plan. In tiles: of one picture, in
// single precision; CGV_ERROR_UNSUPPORTED where the net's large layers need the whole picture.
CGV_NODISCARD cgv_status cgv_chain_create(cgv_chain **out, cgv_device *device, const cgv_net *net,
                                          const cgv_plan_params *params, int tile);
void cgv_chain_destroy(cgv_chain **chain);

cgv_tensor cgv_chain_input(const cgv_chain *chain);
cgv_tensor cgv_chain_output(const cgv_chain *chain);
// As those of plans and tapes.
uint64_t cgv_chain_bytes(const cgv_chain *chain);
uint64_t cgv_chain_held_bytes(const cgv_chain *chain);
void cgv_chain_hold(cgv_chain *chain, uint64_t stats, uint64_t keep);
void cgv_chain_pack(cgv_chain *chain, cgv_cmd *cmd, const cgv_params *params);
void cgv_chain_record(const cgv_chain *chain, cgv_cmd *cmd, const cgv_params *params);

#endif
