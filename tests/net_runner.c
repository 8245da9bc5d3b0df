#include "net_runner.h"

#include <stdlib.h>

// What a run needs on the device.
typedef struct runner {
    cgv_params params;
    cgv_plan *plan;
    cgv_tape tape;
    cgv_buffer x, y;
    cgv_cmd *cmd;
} runner;

static cgv_status create(runner *r, cgv_device *device, const cgv_net *net, const float *weights,
                         const cgv_plan_params *params) {
    cgv_status status = cgv_params_create(&r->params, device, net, weights);
    if (!status)
        status = cgv_plan_create(&r->plan, device, net, params);
    if (!status)
        status = cgv_tape_create(&r->tape, r->plan);
    if (!status)
        status = cgv_buffer_create(&r->x, device, cgv_tensor_bytes(r->tape.input),
                                   CGV_MEMORY_DEVICE, "input");
    if (!status)
        status = cgv_buffer_create(&r->y, device, cgv_tensor_bytes(r->tape.output),
                                   CGV_MEMORY_DEVICE, "output");
    return status ? status : cgv_cmd_create(&r->cmd, device, false);
}

static void destroy(runner *r) {
    cgv_cmd_destroy(&r->cmd);
    cgv_buffer_destroy(&r->x);
    cgv_buffer_destroy(&r->y);
    cgv_tape_destroy(&r->tape);
    cgv_plan_destroy(&r->plan);
    cgv_params_destroy(&r->params);
}

cgv_status net_run(float **y, cgv_tensor *out, cgv_device *device, const cgv_net *net,
                   const float *weights, const cgv_plan_params *params, const float *x) {
    runner r = {0};
    *y = NULL;
    cgv_status status = create(&r, device, net, weights, params);
    if (!status)
        status = cgv_buffer_write(&r.x, 0, x, r.x.size);
    if (!status) {
        cgv_tensor from = r.tape.input, to = r.tape.output;
        from.address = r.x.address;
        to.address = r.y.address;
        cgv_cmd_begin(r.cmd);
        cgv_plan_pack(r.plan, r.cmd, &r.params);
        cgv_activation_apply(r.cmd, r.tape.input, from, CGV_ACT_NONE, 0);
        cgv_plan_record(r.plan, r.cmd, &r.params, &r.tape);
        cgv_activation_apply(r.cmd, to, r.tape.output, CGV_ACT_NONE, 0);
        status = cgv_cmd_run(r.cmd);
    }
    if (!status) {
        *out = r.tape.output;
        out->address = 0;
        *y = malloc(r.y.size);
        status = *y ? cgv_buffer_read(&r.y, 0, *y, r.y.size) : CGV_ERROR_MEMORY;
    }
    destroy(&r);
    return status;
}
