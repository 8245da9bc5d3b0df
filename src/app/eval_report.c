// What cgvideo eval says: a table, eval.json, sheets of pictures.
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/eval.h"
#include "app/folder.h"
#include "app/text.h"
#include "base/fs.h"
#include "base/log.h"
#include "eval/flow.h"
#include "eval/psnr.h"
#include "eval/sheet.h"
#include "train/png.h"

enum { SHEET_ROWS = 8 };

static const char *const row_names[CGV_EVAL_ROWS] = {
    [CGV_EVAL_OUTPUT] = "output",       [CGV_EVAL_INPUT] = "input",   [CGV_EVAL_GAMMA] = "gamma",
    [CGV_EVAL_HISTOGRAM] = "histogram", [CGV_EVAL_HALVES] = "halves",
};

// Mean and extremes of a number of all pictures.
typedef struct summary {
    double mean, least, most;
    const char *least_name, *most_name;
} summary;

static summary summarise(const cgv_eval *eval, size_t offset) {
    summary s = {.least = INFINITY, .most = -INFINITY};
    for (int i = 0; i < eval->a_count; i++) {
        double value = *(const double *)((const char *)&eval->a[i] + offset);
        s.mean += value / eval->a_count;
        if (value < s.least) {
            s.least = value;
            s.least_name = eval->a[i].name;
        }
        if (value > s.most) {
            s.most = value;
            s.most_name = eval->a[i].name;
        }
    }
    return s;
}

// The largest ratio of the clips; NaN if none has one.
static double worst_flicker(const cgv_eval *eval, bool steadied) {
    double worst = NAN;
    for (int i = 0; i < eval->clip_count; i++)
        worst = fmax(worst, (steadied ? &eval->clips[i].steadied : &eval->clips[i].flicker)->ratio);
    return worst;
}

// Were the clips also measured with -stabilize?
static bool has_steadied(const cgv_eval_clip *clip) {
    return clip->steadied.pairs + clip->steadied.flat > 0;
}

// One of the two variants of a distance.
static double mean_of(const cgv_swd *distance, bool normalised) {
    return normalised ? distance->normalised_mean : distance->plain_mean;
}

static bool is_beaten(const cgv_eval *eval, int row, bool normalised) {
    return mean_of(&eval->distance[CGV_EVAL_OUTPUT], normalised) <
           mean_of(&eval->distance[row], normalised);
}

// ---- JSON ----

// JSON has no infinities and no NaN.
static json_t *number(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

// A list that lacks an item is none, nor is the report that lacks the list.
static void append(json_t **list, json_t *item) {
    if (json_array_append_new(*list, item)) {
        json_decref(*list);
        *list = NULL;
    }
}

static json_t *distance_json(const cgv_swd *distance, bool normalised) {
    if (!distance->levels)
        return json_null();
    json_t *levels = json_array();
    for (int i = 0; i < distance->levels; i++)
        append(&levels, number(normalised ? distance->normalised[i] : distance->plain[i]));
    return json_pack("{s:o, s:o}", "levels", levels, "mean", number(mean_of(distance, normalised)));
}

static json_t *variant_json(const cgv_eval *eval, bool normalised) {
    json_t *variant = json_object(), *beaten = json_object();
    json_object_set_new(variant, "unit",
                        json_string(normalised ? "1e-3 standard deviations" : "codes of 0..255"));
    for (int row = 0; row < CGV_EVAL_ROWS; row++)
        json_object_set_new(variant, row_names[row],
                            distance_json(&eval->distance[row], normalised));
    for (int row = CGV_EVAL_INPUT; row <= CGV_EVAL_HISTOGRAM; row++)
        json_object_set_new(beaten, row_names[row], json_boolean(is_beaten(eval, row, normalised)));
    json_object_set_new(variant, "beaten", beaten);
    return variant;
}

static json_t *swd_json(const cgv_eval *eval) {
    json_t *sides = json_array();
    int width = eval->options->size.width, height = eval->options->size.height;
    for (int i = 0; i < eval->distance[0].levels; i++) {
        append(&sides, json_sprintf("%dx%d", width, height));
        width = (width + 1) / 2;
        height = (height + 1) / 2;
    }
    return json_pack("{s:o, s:o, s:o}", "levels", sides, "plain", variant_json(eval, false),
                     "normalised", variant_json(eval, true));
}

static json_t *flicker_json(const cgv_eval *eval) {
    json_t *clips = json_array();
    for (int i = 0; i < eval->clip_count; i++) {
        const cgv_eval_clip *clip = &eval->clips[i];
        const cgv_flicker_result *f = &clip->flicker, *s = &clip->steadied;
        append(&clips,
               json_pack("{s:o, s:i, s:i, s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "name",
                         cgv_text_json(clip->name), "frames", clip->frames, "pairs", f->pairs,
                         "cuts", f->cuts, "flat", f->flat, "visible", number(f->visible), "input",
                         number(f->input), "output", number(f->output), "ratio", number(f->ratio),
                         "steadied_output", has_steadied(clip) ? number(s->output) : json_null(),
                         "steadied_ratio", has_steadied(clip) ? number(s->ratio) : json_null()));
    }
    return json_pack("{s:s, s:o, s:o, s:o}", "estimator", CGV_FLOW_NAME, "worst",
                     number(worst_flicker(eval, false)), "steadied_worst",
                     number(worst_flicker(eval, true)), "clips", clips);
}

static json_t *pictures_json(const cgv_eval *eval) {
    json_t *pictures = json_array();
    for (int i = 0; i < eval->a_count; i++) {
        const cgv_eval_picture *p = &eval->a[i];
        append(&pictures,
               json_pack("{s:o, s:i, s:i, s:o, s:o}", "name", cgv_text_json(p->name), "width",
                         p->width, "height", p->height, "tone_curve", number(p->tone), "cycle_psnr",
                         p->recovered.rgb ? number(p->psnr) : json_null()));
    }
    return pictures;
}

static json_t *psnr_json(const cgv_eval *eval) {
    if (!eval->options->model_back)
        return json_null();
    summary s = summarise(eval, offsetof(cgv_eval_picture, psnr));
    return json_pack("{s:o, s:o}", "mean", number(s.mean), "least", number(s.least));
}

static json_t *eval_json(const cgv_eval *eval) {
    const cgv_eval_options *o = eval->options;
    summary tone = summarise(eval, offsetof(cgv_eval_picture, tone));
    json_t *back = o->model_back ? cgv_text_json(o->model_back) : json_null();
    json_t *setting = json_pack(
        "{s:s, s:s, s:o, s:s, s:o, s:o, s:o, s:i, s:i, s:i, s:i, s:i, s:i, s:f, s:i}", "cgvideo",
        cgv_version(), "device", eval->device, "model", cgv_text_json(o->model), "architecture",
        eval->architecture, "model_back", back, "a", cgv_text_json(o->a), "b", cgv_text_json(o->b),
        "pictures_a", eval->a_count, "pictures_b", eval->b_count, "width", o->size.width, "height",
        o->size.height, "limit", o->limit, "net_height", o->net_height, "stabilize", o->stabilize,
        "seed", o->seed);
    return json_pack("{s:o, s:o, s:f, s:o, s:{s:f, s:f}, s:o, s:o, s:f, s:f}", "setting", setting,
                     "swd", swd_json(eval), "gamma", eval->gamma, "cycle_psnr", psnr_json(eval),
                     "tone_curve", "mean", tone.mean, "most", tone.most, "flicker",
                     eval->clip_count ? flicker_json(eval) : json_null(), "pictures",
                     pictures_json(eval), "seconds", eval->seconds, "network_seconds",
                     eval->network_seconds);
}

static cgv_status write_json(const cgv_eval *eval) {
    json_t *root = eval_json(eval);
    char *text = root ? json_dumps(root, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) : NULL;
    char *path = cgv_fs_format("%s/eval.json", eval->options->output);
    cgv_status status = text && path ? cgv_fs_write(path, text, strlen(text))
                                     : cgv_fail(CGV_ERROR_MEMORY, "eval: out of memory");
    json_decref(root);
    free(text);
    free(path);
    return status;
}

// ---- sheets ----

// input | output | recovered | gamma | histogram
static cgv_status write_sheet(const cgv_eval *eval, int first, int number_of_sheet) {
    const cgv_eval_options *o = eval->options;
    enum { COLUMNS = 5 };
    cgv_bitmap cells[SHEET_ROWS * COLUMNS] = {{0}}, sheet = {0};
    int rows = eval->a_count - first < SHEET_ROWS ? eval->a_count - first : SHEET_ROWS;
    cgv_status status = CGV_OK;
    for (int i = 0; !status && i < rows; i++) {
        const cgv_eval_picture *picture = &eval->a[first + i];
        cgv_bitmap *row = cells + (ptrdiff_t)i * COLUMNS;
        row[0] = picture->input;
        row[1] = picture->output;
        row[2] = picture->recovered;
        status = cgv_curves_apply(&row[3], &picture->input, &eval->curves[CGV_EVAL_GAMMA]);
        if (!status)
            status = cgv_curves_apply(&row[4], &picture->input, &eval->curves[CGV_EVAL_HISTOGRAM]);
    }
    char *path = cgv_fs_format("%s/sheet_%02d.png", o->output, number_of_sheet);
    if (!status && !path)
        status = cgv_fail(CGV_ERROR_MEMORY, "eval: out of memory");
    if (!status)
        status = cgv_sheet_create(&sheet, cells, rows, COLUMNS, o->size.width, o->size.height);
    if (!status)
        status = cgv_png_write(path, sheet.rgb, sheet.width, sheet.height);
    for (int i = 0; i < rows; i++) {
        cgv_bitmap_free(&cells[i * COLUMNS + 3]);
        cgv_bitmap_free(&cells[i * COLUMNS + 4]);
    }
    cgv_bitmap_free(&sheet);
    free(path);
    return status;
}

// ---- the table ----

static void print_row(const cgv_eval *eval, int row, bool normalised) {
    static const char *const labels[CGV_EVAL_ROWS] = {
        [CGV_EVAL_OUTPUT] = "output G(A)",
        [CGV_EVAL_INPUT] = "input A",
        [CGV_EVAL_HISTOGRAM] = "histogram matching",
        [CGV_EVAL_HALVES] = "B half to B half",
    };
    const cgv_swd *distance = &eval->distance[row];
    char gamma[32];
    snprintf(gamma, sizeof gamma, "gamma %.3f", eval->gamma);
    if (!distance->levels)
        return;
    printf("  %-24s", labels[row] ? labels[row] : gamma);
    for (int i = 0; i < distance->levels; i++)
        printf(" %8.2f", normalised ? distance->normalised[i] : distance->plain[i]);
    printf(" %9.3f\n", mean_of(distance, normalised));
}

static void print_variant(const cgv_eval *eval, bool normalised) {
    const cgv_cli_size size = eval->options->size;
    int side = size.width < size.height ? size.width : size.height;
    printf("%-26s", normalised ? "normalised (thousandths)" : "plain (codes of 0..255)");
    for (int i = 0; i < eval->distance[0].levels; i++, side = (side + 1) / 2)
        printf(" %8d", side);
    printf(" %9s\n", "mean");
    for (int row = 0; row < CGV_EVAL_ROWS; row++)
        print_row(eval, row, normalised);
    for (int beaten = 1; beaten >= 0; beaten--) {
        char names[64] = "";
        for (int row = CGV_EVAL_INPUT; row <= CGV_EVAL_HISTOGRAM; row++)
            if (is_beaten(eval, row, normalised) == beaten)
                snprintf(names + strlen(names), sizeof names - strlen(names), " %s",
                         row_names[row]);
        if (*names)
            printf("  %s:%s\n", beaten ? "beaten" : "not beaten", names);
    }
}

static void print_flicker(const cgv_eval *eval) {
    if (eval->clip_count)
        printf("flicker ratio (%s)\n", CGV_FLOW_NAME);
    for (int i = 0; i < eval->clip_count; i++) {
        const cgv_eval_clip *clip = &eval->clips[i];
        const cgv_flicker_result *f = &clip->flicker;
        printf("  %6.3f  %s: %.4f over %.4f, %d pairs of frames, %.0f %% of the pixels, %d cuts, "
               "%d flat\n",
               f->ratio, clip->name, f->output, f->input, f->pairs, 100 * f->visible, f->cuts,
               f->flat);
        if (has_steadied(clip))
            printf("  %6.3f  with -stabilize %g\n", clip->steadied.ratio, eval->options->stabilize);
    }
}

static void print_table(const cgv_eval *eval) {
    const cgv_eval_options *o = eval->options;
    summary tone = summarise(eval, offsetof(cgv_eval_picture, tone));
    printf("%s (%s), sliced Wasserstein distance to B: %d and %d pictures at %dx%d\n", o->model,
           eval->architecture, eval->a_count, eval->b_count, o->size.width, o->size.height);
    print_variant(eval, false);
    print_variant(eval, true);
    printf("tone curves explain %.1f %% of the output's variance; most: %.1f %%, %s\n",
           100 * tone.mean, 100 * tone.most, tone.most_name);
    if (o->model_back) {
        summary psnr = summarise(eval, offsetof(cgv_eval_picture, psnr));
        printf("cycle PSNR %.2f dB%s; least: %.2f dB, %s\n", psnr.mean,
               psnr.least >= CGV_PSNR_EQUAL ? " (equal)" : "", psnr.least, psnr.least_name);
    }
    print_flicker(eval);
    printf("%.1f s, %.1f s of it the network; more in %s/eval.json\n", eval->seconds,
           eval->network_seconds, o->output);
}

cgv_status cgv_eval_report(const cgv_eval *eval) {
    cgv_status status = cgv_make_folders(eval->options->output);
    for (int first = 0, sheet = 1; !status && first < eval->a_count; first += SHEET_ROWS)
        status = write_sheet(eval, first, sheet++);
    if (!status)
        status = write_json(eval);
    if (!status)
        print_table(eval);
    return status;
}
