// The filter: slots in flight, each one pre-recorded command list
//
//     planes -> RGB tensor -> network -> planes
//     planes -> RGB tensor -> small one -> network -> its change, carried to the first -> planes
//
// The tensors are shared: lists run one by one. A slot holds as many pictures as go through the
// network together; its list is submitted when it has them all, or when one of them is wanted.
#include "cgvideo/translator.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "model/model.h"
#include "filter/carry.h"
#include "filter/profile.h"
#include "filter/steady.h"
#include "nn/chain.h"
#include "ops/pixel.h"

#define MAX_SLOTS  8
#define MAX_SIDE   (1 << 18)
#define HEAD_BYTES 256 // before the planes in a slot's output

// The words there: set by the device where the picture has NaN; by the host where it follows none.
enum { HEAD_NAN, HEAD_BEGINS };

typedef struct slot {
    cgv_cmd *cmd, *timed; // timed: the same with a profile, which takes a tenth longer; NULL: none
    cgv_cmd *flying;      // which of them the picture in flight has
    cgv_buffer input, output;
    cgv_planes input_planes[CGV_BATCH_MOST], output_planes[CGV_BATCH_MOST];
    uint64_t head[CGV_BATCH_MOST]; // offsets in `output`
    int sent, received;            // pictures of it
    bool submitted;
} slot;

struct cgv_translator {
    cgv_picture_format in, out;
    cgv_params params;
    cgv_net net; // what runs of the model's
    cgv_chain *chain;
    bool half;          // its numbers
    cgv_carry carry;    // where the network runs on a smaller picture
    cgv_steady steady;  // where frames of a video are held together
    cgv_buffer scratch; // of packing
    bool begins;        // the next picture follows none
    slot slots[MAX_SLOTS];
    int slot_count;
    int oldest, in_flight;   // of slots: those with pictures
    const slot *last;        // from which a picture was received; NULL: none
    int batch;               // pictures of a slot
    int profile, unprofiled; // pictures to one with a profile; how many there were since
};

// Positions for which the filters of the pixel shaders are made.
static bool siting_known(float position) {
    return position == 0 || position == 0.5f || position == 1;
}

static bool colour_known(const cgv_picture_format *format) {
    const cgv_colour *colour = &format->colour;
    return format->layout.rgb || (colour->kr > 0 && colour->kb > 0 && colour->kr + colour->kb < 1 &&
                                  siting_known(colour->chroma_x) && siting_known(colour->chroma_y));
}

static cgv_status check(const cgv_model *model, const cgv_picture_format *in,
                        const cgv_picture_format *out, const cgv_translator_params *params) {
    if (in->width != out->width || in->height != out->height)
        return cgv_fail(CGV_ERROR_ARGUMENT, "input and output pictures differ in size");
    if (in->width < 16 || in->height < 16)
        return cgv_fail(
            CGV_ERROR_UNSUPPORTED,
            "a picture of %dx%d: both sides must have at least 16 pixels; enlarge it first",
            in->width, in->height);
    if (in->width > MAX_SIDE || in->height > MAX_SIDE)
        return cgv_fail(CGV_ERROR_UNSUPPORTED, "a picture of %dx%d: the sides must be at most %d",
                        in->width, in->height, MAX_SIDE);
    if (!cgv_layout_supported(&in->layout) || !cgv_layout_supported(&out->layout))
        return cgv_fail(CGV_ERROR_UNSUPPORTED, "this layout of pixels is not supported");
    if (!colour_known(in) || !colour_known(out))
        return cgv_fail(CGV_ERROR_ARGUMENT, "luma coefficients must be positive with a sum below "
                                            "1, and chroma sited at 0, 0.5 or 1");
    if (in->colour.transfer != CGV_TRANSFER_SDR && !(in->colour.peak > CGV_SDR_WHITE))
        return cgv_fail(CGV_ERROR_ARGUMENT, "the peak of an HDR picture must be above %g nits",
                        (double)CGV_SDR_WHITE);
    if (out->colour.transfer != CGV_TRANSFER_SDR)
        return cgv_fail(CGV_ERROR_UNSUPPORTED, "HDR pictures are read, not written");
    if (params->batch < CGV_BATCH_AUTO || params->batch > CGV_BATCH_MOST)
        return cgv_fail(CGV_ERROR_ARGUMENT, "at most %d pictures go through the network together",
                        CGV_BATCH_MOST);
    if (params->slots < 1 || params->slots > MAX_SLOTS || !(params->strength >= 0) ||
        params->strength > 1)
        return cgv_fail(CGV_ERROR_ARGUMENT, "slots must be 1 to %d and strength 0 to 1", MAX_SLOTS);
    if (!(params->stabilize >= 0) || params->stabilize > 1 || !(params->compare >= 0) ||
        params->compare > 1)
        return cgv_fail(CGV_ERROR_ARGUMENT,
                        "what averages over frames keep must be 0 to 1, and so the share of the "
                        "width that shows the input");
    if (params->tile && params->tile < CGV_TILE_LEAST)
        return cgv_fail(CGV_ERROR_ARGUMENT, "tiles of %d pixels: at least %d, or 0 for none",
                        params->tile, CGV_TILE_LEAST);
    if (params->tile && params->precision == CGV_PRECISION_FP16)
        return cgv_fail(CGV_ERROR_UNSUPPORTED,
                        "in tiles a network runs in single precision only: choose one of the two");
    if (params->net_height < 0)
        return cgv_fail(CGV_ERROR_ARGUMENT, "the network cannot run at a height of %d pixels",
                        params->net_height);
    if (model->info.input_channels != 3 || model->info.output_channels != 3)
        return cgv_fail(CGV_ERROR_UNSUPPORTED,
                        "%s takes %d channels and gives %d: not a generator of RGB pictures",
                        model->info.architecture, model->info.input_channels,
                        model->info.output_channels);
    return CGV_OK;
}

static float steadiness(const cgv_model *model, const cgv_translator_params *params) {
    return model->info.steadies ? params->stabilize : 0;
}

// Is the picture that the network was given wanted beside its result?
static bool keeps_input(const cgv_model *model, const cgv_translator_params *params) {
    return params->strength < 1 || params->compare > 0 || steadiness(model, params) > 0;
}

// How many pictures go through the network together.
static cgv_status choose_batch(int *batch, const cgv_device *device,
                               const cgv_translator_params *params, bool alone, bool pays,
                               const cgv_picture_format *in) {
    // Pixels that fill a device, measured with resnet_9blocks on lavapipe with two threads (2.5
    // times the pictures of 64x64, 1.3 times those of 128x128) and on an H100 (2.9 times those of
    // 256x256).
    const int fill = cgv_device_limits(device)->cpu ? 1 << 15 : 1 << 20;
    const int64_t pixels = (int64_t)in->width * in->height, most = fill / pixels;
    *batch = params->batch > 1 ? params->batch : 1;
    if (params->batch == CGV_BATCH_AUTO && alone && pays)
        *batch = most < 1 ? 1 : most > CGV_BATCH_MOST ? CGV_BATCH_MOST : (int)most;
    return *batch == 1 || alone
               ? CGV_OK
               : cgv_fail(CGV_ERROR_ARGUMENT,
                          "pictures go through a network together where each is on its own and it "
                          "runs on the whole of it: not with steadiness, tiles or another height");
}

// Picture k of a tensor of several.
static cgv_tensor picture_of(cgv_tensor t, int k) {
    t.address += cgv_tensor_bytes(t) / (uint64_t)t.n * (uint64_t)k;
    t.n = 1;
    return t;
}

// The whole picture as a tensor.
static cgv_tensor input_picture(const cgv_translator *translator) {
    const cgv_carry *carry = &translator->carry;
    return carry->picture.address ? carry->picture : cgv_chain_input(translator->chain);
}

static int round_up(int value, int multiple) {
    return (value + multiple - 1) / multiple * multiple;
}

static cgv_status create_network(cgv_translator *translator, cgv_device *device,
                                 const cgv_model *model, const cgv_translator_params *wanted) {
    cgv_cmd *cmd = NULL;
    cgv_plan_params params = {
        .n = 1,
        .h = round_up(translator->in.height, model->net->multiple),
        .w = round_up(translator->in.width, model->net->multiple),
        .keep_input = keeps_input(model, wanted),
        .kernels = wanted->kernels,
    };
    cgv_status status = cgv_plan_wants_half(&params.half, device, wanted->precision);
    if (wanted->tile && params.half) {
        cgv_log(CGV_LOG_INFO, "tiles are worked on in single precision");
        params.half = false;
    }
    translator->half = params.half;
    translator->net = *model->net;
    int height = wanted->net_height
                     ? wanted->net_height
                     : cgv_carry_height(model, translator->in.width, translator->in.height);
    int multiple = model->net->multiple;
    bool divides = translator->in.height >= multiple && translator->in.width >= multiple;
    // A grid is held steady where it lies apart from its slicing.
    bool apart = steadiness(model, wanted) > 0 && cgv_carry_has_grid(model->net);
    bool carries = divides && (apart || (height && height < translator->in.height));
    if (!status)
        status = choose_batch(&translator->batch, device, wanted,
                              !carries && !wanted->tile && !(steadiness(model, wanted) > 0),
                              model->net->param_floats > 0, &translator->in);
    params.n = translator->batch;
    if (!status && carries) {
        params.keep_input = true;
        params.h = height && height < translator->in.height ? height : translator->in.height;
        status = cgv_carry_create(&translator->carry, device, &translator->net, &params,
                                  translator->in.width, translator->in.height,
                                  keeps_input(model, wanted));
    }
    if (!status)
        status = cgv_params_create(&translator->params, device, model->net, model->params);
    if (!status)
        status =
            cgv_chain_create(&translator->chain, device, &translator->net, &params, wanted->tile);
    if (!status)
        status = cgv_cmd_create(&cmd, device, false);
    if (!status) {
        cgv_cmd_begin(cmd);
        cgv_chain_pack(translator->chain, cmd, &translator->params);
        status = cgv_cmd_run(cmd);
    }
    cgv_cmd_destroy(&cmd);
    if (status)
        return status;
    cgv_tensor x = cgv_chain_input(translator->chain), y = cgv_chain_output(translator->chain);
    // Coefficients that the network itself gives may have any size.
    bool picture = !translator->carry.picture.address || translator->carry.coefficients.address;
    if (picture && (x.w != y.w || x.h != y.h))
        return cgv_fail(CGV_ERROR_UNSUPPORTED, "%s turns %dx%d into %dx%d: not a filter",
                        model->info.architecture, x.w, x.h, y.w, y.h);
    return cgv_steady_create(&translator->steady, device, translator->chain,
                             steadiness(model, wanted), input_picture(translator),
                             translator->carry.grid);
}

static cgv_status record(cgv_translator *translator, const slot *s, cgv_cmd *cmd,
                         const cgv_translator_params *params) {
    const cgv_chain *chain = translator->chain;
    const cgv_tensor input = cgv_chain_input(chain), output = cgv_chain_output(chain);
    const cgv_carry *carry = &translator->carry;
    cgv_tensor picture = input_picture(translator);
    cgv_tensor result = carry->picture.address ? carry->result : output;
    const cgv_past *past = cgv_steady_past(&translator->steady);
    cgv_cmd_begin(cmd);
    for (int k = 0; k < translator->batch; k++)
        cgv_pixels_unpack(cmd, picture_of(picture, k), &s->input_planes[k], &translator->in);
    if (carry->picture.address)
        cgv_shrink(cmd, input, picture);
    cgv_steady_record_begin(&translator->steady, cmd, input,
                            s->output.address + s->head[0] + HEAD_BEGINS * sizeof(uint32_t));
    cgv_chain_record(chain, cmd, &translator->params);
    cgv_steady_record_output(&translator->steady, cmd, output);
    if (carry->picture.address)
        cgv_carry_record(carry, cmd, output, input, past);
    else
        cgv_steady_record_result(cmd, result, picture, past);
    const cgv_blend blend = {
        .strength = params->strength,
        .wipe = (int)lroundf(params->compare * (float)translator->in.width),
        .line = params->compare > 0 ? 1 + translator->in.height / 500 : 0,
    };
    bool blends = params->strength < 1 || params->compare > 0;
    for (int k = 0; k < translator->batch; k++)
        cgv_pixels_pack(cmd, &s->output_planes[k], &translator->out, picture_of(result, k),
                        blends ? picture_of(picture, k) : (cgv_tensor){0}, &blend,
                        translator->out.layout.component[0].depth <
                            translator->in.layout.component[0].depth,
                        s->output.address + s->head[k], translator->scratch.address);
    return cgv_cmd_end(cmd);
}

static uint64_t room(uint64_t bytes) {
    return (bytes + HEAD_BYTES - 1) / HEAD_BYTES * HEAD_BYTES;
}

static cgv_status create_slot(cgv_translator *translator, cgv_device *device,
                              const cgv_translator_params *params) {
    slot *s = &translator->slots[translator->slot_count++];
    const uint64_t pictures = (uint64_t)translator->batch;
    uint64_t in_bytes = room(cgv_planes_layout(&translator->in, 0).bytes);
    uint64_t out_bytes = room(cgv_planes_layout(&translator->out, 0).bytes + HEAD_BYTES);
    cgv_status status = cgv_buffer_create(&s->input, device, in_bytes * pictures, CGV_MEMORY_UPLOAD,
                                          "input picture");
    if (!status)
        status = cgv_buffer_create(&s->output, device, out_bytes * pictures, CGV_MEMORY_READBACK,
                                   "output picture");
    if (!status)
        status = cgv_cmd_create(&s->cmd, device, false);
    if (!status && params->profile)
        status = cgv_cmd_create(&s->timed, device, true);
    if (status)
        return status;
    for (uint64_t k = 0; k < pictures; k++) {
        s->head[k] = out_bytes * k;
        s->input_planes[k] = cgv_planes_layout(&translator->in, s->input.address + in_bytes * k);
        s->output_planes[k] =
            cgv_planes_layout(&translator->out, s->output.address + s->head[k] + HEAD_BYTES);
    }
    status = record(translator, s, s->cmd, params);
    return status || !s->timed ? status : record(translator, s, s->timed, params);
}

cgv_status cgv_translator_create(cgv_translator **out_translator, cgv_device *device,
                                 const cgv_model *model, const cgv_picture_format *in,
                                 const cgv_picture_format *out,
                                 const cgv_translator_params *params) {
    static const cgv_translator_params defaults = CGV_TRANSLATOR_DEFAULTS;
    *out_translator = NULL;
    if (!params)
        params = &defaults;
    cgv_status status = check(model, in, out, params);
    if (status)
        return status;
    cgv_translator *translator = *out_translator = calloc(1, sizeof *translator);
    if (!translator)
        return cgv_fail(CGV_ERROR_MEMORY, "creating the filter: out of memory");
    translator->in = *in;
    translator->out = *out;
    translator->begins = true;
    translator->profile = params->profile;
    status = create_network(translator, device, model, params);
    uint64_t scratch_bytes = cgv_pixels_pack_scratch(out);
    if (!status && scratch_bytes)
        status = cgv_buffer_create(&translator->scratch, device, scratch_bytes, CGV_MEMORY_DEVICE,
                                   "chroma");
    while (!status && translator->slot_count < params->slots)
        status = create_slot(translator, device, params);
    if (status)
        cgv_translator_destroy(out_translator);
    return status;
}

void cgv_translator_destroy(cgv_translator **out) {
    if (!out || !*out)
        return;
    cgv_translator *translator = *out;
    *out = NULL;
    for (int i = 0; i < translator->slot_count; i++)
        cgv_cmd_destroy(&translator->slots[i].cmd); // waits
    for (int i = 0; i < translator->slot_count; i++)
        cgv_cmd_destroy(&translator->slots[i].timed);
    for (int i = 0; i < translator->slot_count; i++) {
        cgv_buffer_destroy(&translator->slots[i].input);
        cgv_buffer_destroy(&translator->slots[i].output);
    }
    cgv_carry_destroy(&translator->carry);
    cgv_steady_destroy(&translator->steady);
    cgv_buffer_destroy(&translator->scratch);
    cgv_chain_destroy(&translator->chain);
    cgv_params_destroy(&translator->params);
    free(translator);
}

static uint8_t *plane_host(const cgv_buffer *buffer, const cgv_planes *planes, int plane) {
    return (uint8_t *)buffer->host + (planes->address[plane] - buffer->address);
}

static uint32_t *head_of(const slot *s, int k) {
    return (uint32_t *)((uint8_t *)s->output.host + s->head[k]);
}

static slot *slot_in_flight(cgv_translator *translator, int k) {
    return &translator->slots[(translator->oldest + k) % translator->slot_count];
}

static cgv_status submit(cgv_translator *translator, slot *s) {
    bool timed = translator->profile && ++translator->unprofiled >= translator->profile;
    s->flying = timed ? s->timed : s->cmd;
    translator->unprofiled = timed ? 0 : translator->unprofiled;
    s->submitted = true;
    cgv_status status = cgv_cmd_submit(s->flying);
    translator->in_flight -= status ? 1 : 0; // it is the youngest: what it holds is lost
    return status;
}

// The slot for the next picture: the youngest, while its batch is not full; NULL: there is none.
static slot *open_slot(cgv_translator *translator) {
    if (translator->in_flight) {
        slot *youngest = slot_in_flight(translator, translator->in_flight - 1);
        if (!youngest->submitted)
            return youngest;
    }
    if (translator->in_flight == translator->slot_count)
        return NULL;
    slot *next = slot_in_flight(translator, translator->in_flight++);
    next->sent = next->received = 0;
    next->submitted = false;
    return next;
}

cgv_status cgv_translator_send(cgv_translator *translator, const cgv_picture *in) {
    slot *s = open_slot(translator);
    if (!s)
        return CGV_AGAIN;
    const cgv_planes *planes = &s->input_planes[s->sent];
    for (int p = 0; p < translator->in.layout.planes; p++) {
        uint8_t *to = plane_host(&s->input, planes, p);
        size_t bytes = cgv_picture_row_bytes(&translator->in, p);
        for (int y = 0; y < cgv_picture_rows(&translator->in, p); y++)
            memcpy(to + (size_t)y * planes->stride[p], in->data[p] + y * in->stride[p], bytes);
    }
    uint32_t *head = head_of(s, s->sent++);
    head[HEAD_NAN] = 0;
    head[HEAD_BEGINS] = translator->begins;
    translator->begins = false;
    return s->sent == translator->batch ? submit(translator, s) : CGV_OK;
}

cgv_status cgv_translator_receive(cgv_translator *translator, cgv_picture *out) {
    if (!translator->in_flight)
        return CGV_END;
    slot *s = slot_in_flight(translator, 0);
    cgv_status status = s->submitted ? CGV_OK : submit(translator, s);
    if (!status)
        status = cgv_cmd_wait(s->flying);
    if (status)
        return status;
    translator->last = s;
    const int k = s->received++;
    const cgv_planes *planes = &s->output_planes[k];
    if (s->received == s->sent) {
        translator->oldest = (translator->oldest + 1) % translator->slot_count;
        translator->in_flight--;
    }
    if (head_of(s, k)[HEAD_NAN])
        return cgv_fail(CGV_ERROR_NUMERIC, "the network's picture holds NaN or infinity%s",
                        translator->half ? "; -precision fp32 has more room for large numbers"
                                         : "");
    for (int p = 0; p < translator->out.layout.planes; p++) {
        const uint8_t *from = plane_host(&s->output, planes, p);
        size_t bytes = cgv_picture_row_bytes(&translator->out, p);
        for (int y = 0; y < cgv_picture_rows(&translator->out, p); y++)
            memcpy(out->data[p] + y * out->stride[p], from + (size_t)y * planes->stride[p], bytes);
    }
    return CGV_OK;
}

int cgv_translator_batch(const cgv_translator *translator) {
    return translator->batch;
}

void cgv_translator_begin(cgv_translator *translator) {
    translator->begins = true;
}

// The state: whether the next picture follows none, then what is held over frames.
enum { STATE_HEAD = sizeof(uint32_t) };

uint64_t cgv_translator_state_size(const cgv_translator *translator) {
    uint64_t held = translator->steady.memory.size;
    return held ? STATE_HEAD + held : 0;
}

cgv_status cgv_translator_save(cgv_translator *translator, void *state) {
    const cgv_buffer *held = &translator->steady.memory;
    if (translator->in_flight)
        return CGV_AGAIN;
    if (!held->size)
        return CGV_OK;
    memcpy(state, &(uint32_t){translator->begins}, STATE_HEAD);
    return cgv_buffer_read(held, 0, (uint8_t *)state + STATE_HEAD, held->size);
}

cgv_status cgv_translator_restore(cgv_translator *translator, const void *state) {
    const cgv_buffer *held = &translator->steady.memory;
    if (translator->in_flight)
        return CGV_AGAIN;
    if (!held->size)
        return CGV_OK;
    uint32_t begins;
    memcpy(&begins, state, STATE_HEAD);
    translator->begins = begins;
    return cgv_buffer_write(held, 0, (const uint8_t *)state + STATE_HEAD, held->size);
}

uint64_t cgv_translator_memory(const cgv_translator *translator) {
    uint64_t bytes = cgv_chain_bytes(translator->chain) + translator->params.values.size +
                     translator->carry.memory.size + translator->scratch.size +
                     translator->steady.memory.size;
    for (int i = 0; i < translator->slot_count; i++)
        bytes += translator->slots[i].input.size + translator->slots[i].output.size;
    return bytes;
}

cgv_status cgv_translator_profile(cgv_translator *translator, const cgv_profile_entry **entries,
                                  int *count) {
    const slot *s = translator->last;
    *count = 0;
    return s && s->flying == s->timed ? cgv_cmd_profile(s->timed, entries, count) : CGV_OK;
}

void cgv_translator_net_size(const cgv_translator *translator, int *width, int *height) {
    *width = cgv_chain_input(translator->chain).w;
    *height = cgv_chain_input(translator->chain).h;
}
