// Whether two nets are the same.
#include <string.h>

#include "nn/net.h"

static bool same_integers(const int *a, const int *b, int count) {
    return !memcmp(a, b, (size_t)count * sizeof *a);
}

static bool same_window(const cgv_window *a, const cgv_window *b) {
    return same_integers(a->kernel, b->kernel, 2) && same_integers(a->stride, b->stride, 2) &&
           same_integers(a->dilation, b->dilation, 2) && same_integers(a->pad, b->pad, 4);
}

static bool same_margin(const cgv_margin *a, const cgv_margin *b) {
    return same_integers(a->before, b->before, 3) && same_integers(a->after, b->after, 3) &&
           a->mode == b->mode && a->value == b->value;
}

// Field by field: there may be gaps between them.
static bool same_node(const cgv_node *a, const cgv_node *b) {
    return a->op == b->op && same_integers(a->input, b->input, 2) && a->channels == b->channels &&
           a->weight == b->weight && a->bias == b->bias && a->kernel == b->kernel &&
           a->stride == b->stride && a->pad == b->pad && a->output_pad == b->output_pad &&
           a->groups == b->groups && a->pad_mode == b->pad_mode && a->activation == b->activation &&
           a->slope == b->slope && a->epsilon == b->epsilon && a->factor == b->factor &&
           a->upsample == b->upsample && same_window(&a->window, &b->window) &&
           same_integers(a->window_output_pad, b->window_output_pad, 2) &&
           a->transposed == b->transposed && a->ceil == b->ceil && a->pool == b->pool &&
           a->binary == b->binary && a->constant_first == b->constant_first &&
           a->function == b->function && a->p == b->p && a->q == b->q &&
           same_margin(&a->margin, &b->margin) && a->rearrangement == b->rearrangement &&
           a->centres == b->centres && a->nearest == b->nearest && a->scale[0] == b->scale[0] &&
           a->scale[1] == b->scale[1] && a->like == b->like;
}

static bool same_param(const cgv_param *a, const cgv_param *b) {
    return a->filter == b->filter && a->dims == b->dims && a->offset == b->offset &&
           !memcmp(a->shape, b->shape, (size_t)a->dims * sizeof *a->shape);
}

bool cgv_net_same(const cgv_net *a, const cgv_net *b) {
    if (a->node_count != b->node_count || a->param_count != b->param_count)
        return false;
    for (int i = 0; i < a->node_count; i++)
        if (!same_node(&a->nodes[i], &b->nodes[i]))
            return false;
    for (int i = 0; i < a->param_count; i++)
        if (!same_param(&a->params[i], &b->params[i]))
            return false;
    return true;
}
