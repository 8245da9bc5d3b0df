// ONNX files <-> models. Reading: a graph that turns one picture into one picture becomes a net of
// its own; what has no place in it is refused by name. No code is in such a file, and nothing else
// is read: tensors kept in other files are refused.
//
//     onnx_import.c     the walk through the graph, its input and output; the table of operations
//     onnx_node.c       a node's attributes and operands
//     onnx_value.c      tensors by name: constants
//     onnx_view.c       pictures: how the graph sees tensors of the net
//     onnx_fold.c       arithmetic of constants, which is what shapes are made of
//     onnx_shape.c      reshapes and transpositions
//     onnx_conv.c, onnx_element.c, onnx_space.c    the operations that become layers
//     onnx_range.c      what the numbers of its pictures mean
//     onnx_net.c        the finished net
//     onnx_export.c     writing, with onnx_build.c
#ifndef CGV_MODEL_ONNX_H
#define CGV_MODEL_ONNX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cgvideo/model.h"

bool cgv_onnx_is(const uint8_t *data, size_t size);

// Memory: a multiple of `size` and a fixed allowance, at most 3 GiB; files above 256 MiB are
// refused. params: as cgv_model_load_with.
CGV_NODISCARD cgv_status cgv_onnx_parse(cgv_model **out, const void *data, size_t size,
                                        const cgv_model_params *params, const char *where);

// Any model, with pictures of any size and batch, opset 17; its numbers are in [-1, 1], and the
// metadata say so. The file appears whole or not at all.
CGV_NODISCARD cgv_status cgv_onnx_write(const cgv_model *model, const char *path);

#endif
