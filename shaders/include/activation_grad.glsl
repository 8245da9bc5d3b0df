// Derivative of an activation, from its result. At 0 that of the left side, as PyTorch has it.
float activation_slope(float y, int kind, float slope)
{
    if (kind == ACT_RELU)
        return y > 0 ? 1 : 0;
    if (kind == ACT_LEAKY_RELU)
        return y > 0 ? 1 : slope;
    if (kind == ACT_TANH)
        return 1 - y * y;
    if (kind == ACT_SIGMOID)
        return y * (1 - y);
    return 1;
}
