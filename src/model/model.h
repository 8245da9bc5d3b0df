// Internal side of cgvideo/model.h: a net and its weights in host memory.
#ifndef CGV_MODEL_MODEL_H
#define CGV_MODEL_MODEL_H

#include "cgvideo/model.h"
#include "nn/net.h"

struct cgv_model {
    cgv_net *net;
    float *params; // net->param_floats, at the offsets of the parameter table; PyTorch's layouts
    cgv_model_info info;
};

// Take ownership of net; parameters are zero. On failure the net is destroyed. format: as in
// cgv_model_info.
CGV_NODISCARD cgv_status cgv_model_from_net(cgv_model **out, cgv_net *net, const char *format);

#endif
