// Where a net can be cut, and what its tiles look like. Numbers only: nothing here knows Vulkan.
//
// A tile is a part of a picture with a margin that its layers eat up: what the convolutions make of
// the tile's own border, which is none of the picture's, never reaches what is taken from it. At
// the picture's border a tile ends there, too, and so is padded as the picture is.
#ifndef CGV_NN_TILING_H
#define CGV_NN_TILING_H

#include "nn/net.h"

// The nodes `first` to `last` of a net as one of its own, whose input is the tensor of node
// `first`; nothing behind it reads what is before it. A view: parameters stay the net's. sizes: of
// the net's nodes; the part takes any input.
CGV_NODISCARD cgv_status cgv_net_part(cgv_net *out, const cgv_net *net, int first, int last);
void cgv_net_part_destroy(cgv_net *part);

// The node whose tensor tiles are cut from: the input, or a coordinate right behind it, which knows
// the height in the whole picture.
int cgv_tiling_begin(const cgv_net *net);

// The stretch of a net where tensors are smallest: it begins with the tensor of node *first and
// ends with that of *last, and nothing but these two connects it with what is before and behind.
// Where nothing before its last node is smaller than its input, both are the last node.
void cgv_tiling_narrow(int *first, int *last, const cgv_net *net, const cgv_size *sizes);

// Tiles along one axis of an input. All have the same size, so that one plan serves all.
typedef struct cgv_tile_axis {
    int size;   // of the input
    int own;    // what a tile is taken for; the last one is taken for the rest
    int margin; // what it has beside, where the input has so much
    int tile;   // size of a tile
    int count;
} cgv_tile_axis;

typedef struct cgv_tiling {
    cgv_tile_axis down, across;
} cgv_tiling;

// Tiles of about `side` elements of the net's input, of the sizes of whose nodes at that input
// `sizes` tells. CGV_ERROR_UNSUPPORTED: a layer needs more of the picture than a tile holds.
CGV_NODISCARD cgv_status cgv_tiling_make(cgv_tiling *out, const cgv_net *net, const cgv_size *sizes,
                                         int side);
bool cgv_tiling_is_whole(const cgv_tiling *tiling);

// Of tile i: where it begins, and which elements, counted in the input, it is taken for.
typedef struct cgv_tile_span {
    int begin, own, end;
} cgv_tile_span;
cgv_tile_span cgv_tile_at(const cgv_tile_axis *axis, int i);

#endif
