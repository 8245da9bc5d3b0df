// Measuring: B's pictures, then A's through the generators one by one, then the distances.
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/console.h"
#include "app/eval.h"
#include "app/eval_reel.h"
#include "app/model_path.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/rng.h"
#include "eval/psnr.h"
#include "eval/tone.h"

// A generator, ready for pictures of the size of the last one.
typedef struct generator {
    cgv_device *device;
    cgv_model *model; // NULL: none
    cgv_translator *translator;
    cgv_translator_params params;
    int width, height;
} generator;

typedef struct run {
    cgv_eval *eval;
    generator there, back;
    generator steady;     // for the frames of a video; borrows the model of `there`; NULL: none
    cgv_flicker *flicker; // of the last clip
} run;

static cgv_status out_of_memory(void) {
    return cgv_fail(CGV_ERROR_MEMORY, "eval: out of memory");
}

// ---- generators ----

static cgv_status open_generator(generator *g, cgv_device *device, const cgv_eval_options *o,
                                 const char *path, const cgv_model_params *numbers) {
    *g = (generator){.device = device, .params = CGV_TRANSLATOR_DEFAULTS};
    g->params.slots = 1;
    g->params.net_height = o->net_height;
    g->params.kernels = (cgv_kernels)o->kernels;
    return path ? cgv_model_open(&g->model, path, numbers) : CGV_OK;
}

static void close_generator(generator *g) {
    cgv_translator_destroy(&g->translator);
    cgv_model_destroy(&g->model);
}

// The same for the frames of a video, where -stabilize does anything.
static void open_steady(generator *g, const generator *there, double stabilize) {
    *g = *there;
    g->params.stabilize = (float)stabilize;
    if (!(stabilize > 0) || !cgv_model_get_info(g->model)->steadies)
        g->model = NULL;
}

static cgv_status fit_translator(generator *g, int width, int height) {
    if (g->translator && g->width == width && g->height == height)
        return CGV_OK;
    cgv_picture_format rgb = cgv_picture_format_rgb24(width, height);
    cgv_translator_destroy(&g->translator);
    g->width = width;
    g->height = height;
    return cgv_translator_create(&g->translator, g->device, g->model, &rgb, &rgb, &g->params);
}

// *out is allocated here.
static cgv_status translate(generator *g, cgv_bitmap *out, const cgv_bitmap *in, double *seconds) {
    const double begin = cgv_clock_seconds();
    *out = (cgv_bitmap){0};
    cgv_status status = fit_translator(g, in->width, in->height);
    if (!status)
        status = cgv_bitmap_create(out, in->width, in->height);
    const ptrdiff_t row = (ptrdiff_t)cgv_bitmap_bytes(in->width, 1);
    if (!status)
        status = cgv_translator_send(g->translator, &(cgv_picture){{in->rgb}, {row}});
    if (!status)
        status = cgv_translator_receive(g->translator, &(cgv_picture){{out->rgb}, {row}});
    if (status)
        cgv_bitmap_free(out);
    *seconds += cgv_clock_seconds() - begin;
    return status;
}

// ---- the pictures of a side ----

// Where a picture comes from.
typedef struct origin {
    const cgv_listed *file;
    int frame;
    double seconds;
    bool counts; // among the pictures of the side: all pictures, one frame a second of videos
} origin;

// picture: NULL for a damaged frame.
typedef cgv_status visitor(run *r, const origin *from, const cgv_bitmap *picture);

static void show_progress(const char *label, const cgv_listing *listing, int file, int frame) {
    char line[256];
    if (!cgv_console_is_terminal())
        return;
    snprintf(line, sizeof line, "%s: file %d of %d, frame %d", label, file + 1, listing->count,
             frame + 1);
    cgv_console_progress(line);
}

// The filter said what happened, but not to which picture.
static void say_where(const origin *from, cgv_status status) {
    cgv_log(CGV_LOG_ERROR, "eval: failed at frame %d of %s: %s%s", from->frame, from->file->path,
            cgv_status_text(status),
            status == CGV_ERROR_DEVICE_MEMORY ? "; a smaller -net_height needs less" : "");
}

// Visit a picture, or the frames of a video up to -limit: all, or those that count.
static cgv_status visit_file(run *r, const cgv_listing *listing, int index, const char *label,
                             bool all, visitor *visit) {
    const cgv_listed *file = &listing->files[index];
    cgv_reel *reel;
    cgv_status status = cgv_reel_open(&reel, file);
    int frames = status ? 0 : cgv_reel_frames(reel);
    if (frames > r->eval->options->limit)
        frames = r->eval->options->limit;
    double last = -1;
    for (int frame = 0; !status && frame < frames; frame++) {
        origin from = {file, frame, cgv_reel_seconds(reel, frame), false};
        from.counts = floor(from.seconds) > last;
        if (!from.counts && !all)
            continue;
        cgv_bitmap picture = {0};
        show_progress(label, listing, index, frame);
        status = cgv_reel_read(reel, &picture, frame);
        if (!status || status == CGV_AGAIN) {
            last = status ? last : floor(from.seconds);
            status = visit(r, &from, status ? NULL : &picture);
            if (status)
                say_where(&from, status);
        }
        cgv_bitmap_free(&picture);
    }
    cgv_reel_close(&reel);
    return status;
}

// Asked for each of `count` pictures in turn: is it one of at most `limit` evenly chosen ones?
// *due: 0 before the first.
static bool is_chosen(int64_t *due, int count, int limit) {
    *due += limit < count ? limit : count;
    if (*due < count)
        return false;
    *due -= count;
    return true;
}

static cgv_status visit_side(run *r, const char *specs, const char *label, bool all,
                             visitor *visit) {
    cgv_listing listing;
    cgv_status status = cgv_listing_create(&listing, &specs, 1);
    int pictures = 0;
    int64_t due = 0;
    for (int i = 0; !status && i < listing.count; i++)
        pictures += listing.files[i].picture;
    for (int i = 0; !status && i < listing.count; i++)
        if (!listing.files[i].picture || is_chosen(&due, pictures, r->eval->options->limit))
            status = visit_file(r, &listing, i, label, all, visit);
    if (cgv_console_is_terminal())
        cgv_console_progress(NULL);
    if (!status)
        cgv_log(CGV_LOG_INFO, "%s: %d of %d pictures, %d videos", label,
                pictures < r->eval->options->limit ? pictures : r->eval->options->limit, pictures,
                listing.count - pictures);
    cgv_listing_free(&listing);
    return status;
}

// The middle of a picture, as large as fits the common size's shape, scaled to it.
static cgv_status fit(cgv_bitmap *out, const cgv_bitmap *in, cgv_cli_size size) {
    double scale = fmin((double)in->width / size.width, (double)in->height / size.height);
    int width = (int)lround(scale * size.width), height = (int)lround(scale * size.height);
    width = width < 1 ? 1 : width;
    height = height < 1 ? 1 : height;
    cgv_box box = {(in->width - width) / 2, (in->height - height) / 2, width, height};
    return cgv_bitmap_resize(out, size.width, size.height, in, box);
}

// The array with room for one more, NULL when out of memory: it doubles whenever it is full.
static void *grow(void *array, int count, size_t size) {
    if (count & (count - 1))
        return array;
    return realloc(array, (count ? 2 * (size_t)count : 1) * size);
}

static cgv_status take_b(run *r, const origin *from, const cgv_bitmap *picture) {
    cgv_eval *eval = r->eval;
    (void)from;
    if (!picture)
        return CGV_OK;
    cgv_bitmap *b = grow(eval->b, eval->b_count, sizeof *b);
    if (!b)
        return out_of_memory();
    eval->b = b;
    cgv_status status = fit(&eval->b[eval->b_count], picture, eval->options->size);
    if (!status)
        cgv_histogram_add(&eval->b_histogram, &eval->b[eval->b_count++]);
    return status;
}

// ---- A's pictures ----

static char *name_of(const origin *from) {
    return from->file->picture ? strdup(from->file->path)
                               : cgv_fs_format("%s at %.3f s", from->file->path, from->seconds);
}

// Measure one picture and keep it for comparing.
static cgv_status keep(run *r, const origin *from, const cgv_bitmap *input,
                       const cgv_bitmap *output) {
    cgv_eval *eval = r->eval;
    cgv_eval_picture *a = grow(eval->a, eval->a_count, sizeof *a);
    if (!a)
        return out_of_memory();
    eval->a = a;
    cgv_status status = CGV_OK;
    cgv_eval_picture *picture = &eval->a[eval->a_count++];
    *picture = (cgv_eval_picture){.name = name_of(from),
                                  .width = input->width,
                                  .height = input->height,
                                  .tone = cgv_tone_share(input, output)};
    cgv_bitmap recovered = {0};
    if (!picture->name)
        status = out_of_memory();
    if (!status && r->back.model)
        status = translate(&r->back, &recovered, output, &eval->network_seconds);
    if (!status && r->back.model) {
        picture->psnr = cgv_psnr(input, &recovered);
        status = fit(&picture->recovered, &recovered, eval->options->size);
    }
    cgv_bitmap_free(&recovered);
    if (!status)
        status = fit(&picture->input, input, eval->options->size);
    if (!status)
        status = fit(&picture->output, output, eval->options->size);
    if (!status)
        cgv_histogram_add(&eval->a_histogram, &picture->input);
    return status;
}

static cgv_status begin_clip(run *r, const char *path) {
    cgv_eval *eval = r->eval;
    cgv_flicker_destroy(&r->flicker);
    cgv_eval_clip *clips = grow(eval->clips, eval->clip_count, sizeof *clips);
    if (!clips)
        return out_of_memory();
    eval->clips = clips;
    cgv_eval_clip *clip = &eval->clips[eval->clip_count++];
    *clip = (cgv_eval_clip){.name = strdup(path)};
    if (r->steady.translator)
        cgv_translator_begin(r->steady.translator);
    return clip->name ? cgv_flicker_create(&r->flicker, r->steady.model ? 2 : 1) : out_of_memory();
}

// The next frame of a clip, and what became of it.
static cgv_status measure_flicker(run *r, const cgv_bitmap *input, const cgv_bitmap *output) {
    cgv_eval_clip *clip = &r->eval->clips[r->eval->clip_count - 1];
    cgv_bitmap outputs[CGV_FLICKER_OUTPUTS] = {*output};
    cgv_status status = CGV_OK;
    if (r->steady.model)
        status = translate(&r->steady, &outputs[1], input, &r->eval->network_seconds);
    if (!status)
        status = cgv_flicker_add(r->flicker, input, outputs);
    cgv_bitmap_free(&outputs[1]);
    clip->frames++;
    clip->flicker = cgv_flicker_get(r->flicker, 0);
    clip->steadied = cgv_flicker_get(r->flicker, 1);
    return status;
}

static cgv_status take_a(run *r, const origin *from, const cgv_bitmap *input) {
    const bool video = !from->file->picture;
    cgv_bitmap output = {0};
    cgv_status status = video && from->frame == 0 ? begin_clip(r, from->file->path) : CGV_OK;
    if (!status && !input)
        cgv_flicker_break(r->flicker); // only frames of videos may be damaged
    if (status || !input)
        return status;
    status = translate(&r->there, &output, input, &r->eval->network_seconds);
    if (!status && video)
        status = measure_flicker(r, input, &output);
    if (!status && from->counts)
        status = keep(r, from, input, &output);
    cgv_bitmap_free(&output);
    return status;
}

// ---- distances ----

// B's in random order, so that its first and second half are halves at random.
static cgv_status describe_b(cgv_descriptors *out, const cgv_eval *eval, uint64_t seed) {
    int *order = malloc((size_t)eval->b_count * sizeof *order);
    cgv_rng rng;
    cgv_rng_seed(&rng, seed, 0);
    cgv_status status = order ? CGV_OK : out_of_memory();
    for (int i = 0; !status && i < eval->b_count; i++) {
        int other = (int)cgv_rng_below(&rng, (uint32_t)i + 1);
        order[i] = order[other];
        order[other] = i;
    }
    if (!status)
        status = cgv_descriptors_create(out, eval->options->size.width, eval->options->size.height,
                                        eval->b_count);
    for (int i = 0; !status && i < eval->b_count; i++)
        status = cgv_descriptors_add(out, &eval->b[order[i]], seed);
    free(order);
    return status;
}

static cgv_status add_row(cgv_descriptors *out, const cgv_eval *eval, cgv_eval_row row,
                          const cgv_eval_picture *picture, uint64_t seed) {
    if (row == CGV_EVAL_OUTPUT || row == CGV_EVAL_INPUT)
        return cgv_descriptors_add(out, row == CGV_EVAL_OUTPUT ? &picture->output : &picture->input,
                                   seed);
    cgv_bitmap curved;
    cgv_status status = cgv_curves_apply(&curved, &picture->input, &eval->curves[row]);
    if (!status)
        status = cgv_descriptors_add(out, &curved, seed);
    cgv_bitmap_free(&curved);
    return status;
}

static cgv_status compare_row(cgv_eval *eval, cgv_eval_row row, const cgv_descriptors *b,
                              uint64_t seed) {
    cgv_descriptors a;
    cgv_status status = cgv_descriptors_create(&a, eval->options->size.width,
                                               eval->options->size.height, eval->a_count);
    for (int i = 0; !status && i < eval->a_count; i++)
        status = add_row(&a, eval, row, &eval->a[i], seed);
    if (!status)
        status = cgv_swd_distance(&eval->distance[row], &a, b, INT_MAX, seed);
    cgv_descriptors_free(&a);
    return status;
}

static cgv_status compare(cgv_eval *eval) {
    const uint64_t seed = (uint64_t)eval->options->seed * 2;
    cgv_descriptors b = {0};
    eval->gamma = cgv_gamma_between(&eval->a_histogram, &eval->b_histogram);
    eval->curves[CGV_EVAL_GAMMA] = cgv_curves_gamma(eval->gamma);
    eval->curves[CGV_EVAL_HISTOGRAM] = cgv_curves_matching(&eval->a_histogram, &eval->b_histogram);
    cgv_status status = describe_b(&b, eval, seed + 1);
    for (int row = 0; !status && row < CGV_EVAL_HALVES; row++)
        status = compare_row(eval, (cgv_eval_row)row, &b, seed);
    const int half = eval->b_count / 2;
    if (!status && half) {
        cgv_descriptors first = cgv_descriptors_part(&b, 0, half);
        cgv_descriptors second = cgv_descriptors_part(&b, half, eval->b_count - half);
        // No more of them than of A, whose distances have the same noise then.
        status = cgv_swd_distance(&eval->distance[CGV_EVAL_HALVES], &first, &second, eval->a_count,
                                  seed);
    }
    cgv_descriptors_free(&b);
    return status;
}

static cgv_status check_counts(const cgv_eval *eval) {
    if (eval->a_count && eval->b_count)
        return CGV_OK;
    return cgv_fail(CGV_ERROR_FORMAT, "%s: none of its frames can be read",
                    eval->a_count ? eval->options->b : eval->options->a);
}

cgv_status cgv_eval_run(cgv_eval *out, cgv_device *device, const cgv_eval_options *o) {
    const double begin = cgv_clock_seconds();
    *out = (cgv_eval){.options = o, .device = cgv_device_get_info(device)->name};
    run r = {.eval = out};
    cgv_status status = open_generator(&r.there, device, o, o->model, CGV_APP_MODEL_PARAMS(o));
    if (!status)
        open_steady(&r.steady, &r.there, o->stabilize);
    if (!status)
        status = open_generator(&r.back, device, o, o->model_back, NULL);
    if (!status)
        status = visit_side(&r, o->b, "b", false, take_b);
    if (!status)
        status = visit_side(&r, o->a, "a", true, take_a);
    if (!status)
        status = check_counts(out);
    if (!status)
        status = compare(out);
    if (!status)
        snprintf(out->architecture, sizeof out->architecture, "%s",
                 cgv_model_get_info(r.there.model)->architecture);
    cgv_flicker_destroy(&r.flicker);
    cgv_translator_destroy(&r.steady.translator);
    close_generator(&r.there);
    close_generator(&r.back);
    out->seconds = cgv_clock_seconds() - begin;
    return status;
}

void cgv_eval_free(cgv_eval *eval) {
    for (int i = 0; i < eval->a_count; i++) {
        free(eval->a[i].name);
        cgv_bitmap_free(&eval->a[i].input);
        cgv_bitmap_free(&eval->a[i].output);
        cgv_bitmap_free(&eval->a[i].recovered);
    }
    for (int i = 0; i < eval->clip_count; i++)
        free(eval->clips[i].name);
    for (int i = 0; i < eval->b_count; i++)
        cgv_bitmap_free(&eval->b[i]);
    free(eval->a);
    free(eval->clips);
    free(eval->b);
    *eval = (cgv_eval){0};
}
