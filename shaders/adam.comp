#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "adam.h"

// Adam (Kingma, Ba 2015, arXiv:1412.6980) as PyTorch computes it. What changes from step to step
// is read from memory, so that the recorded commands serve every step:
// step_size = lr / (1 - beta1^t), sqrt_correction = sqrt(1 - beta2^t).
layout(constant_id = 3) const int AVERAGE = 0; // also keep a moving average of the weights

void main()
{
    int i = LINEAR_INDEX;
    if (i >= push.count)
        return;
    Floats hyper = Floats(push.hyper);
    float step_size = hyper.v[0], correction = hyper.v[1], beta1 = hyper.v[2], beta2 = hyper.v[3];
    float g = Floats(at(push.grads, i)).v[0];
    float m = Floats(at(push.m, i)).v[0], v = Floats(at(push.v, i)).v[0];
    m += (1 - beta1) * (g - m);
    v = beta2 * v + (1 - beta2) * g * g;
    float value = Floats(at(push.values, i)).v[0];
    value -= step_size * m / (sqrt(v) / correction + hyper.v[4]);
    Floats(at(push.m, i)).v[0] = m;
    Floats(at(push.v, i)).v[0] = v;
    Floats(at(push.values, i)).v[0] = value;
    if (AVERAGE != 0) {
        float average = Floats(at(push.average, i)).v[0];
        Floats(at(push.average, i)).v[0] = value + hyper.v[5] * (average - value);
    }
}
