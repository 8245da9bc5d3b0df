#include "eval/tone.h"

// Sums over the pixels of one input code.
typedef struct bin {
    uint64_t count, sum;
} bin;

double cgv_tone_share(const cgv_bitmap *input, const cgv_bitmap *output) {
    const size_t pixels = (size_t)input->width * (size_t)input->height;
    double total = 0, explained = 0;
    for (size_t channel = 0; channel < 3; channel++) {
        bin bins[256] = {{0}}, all = {0};
        uint64_t squares = 0;
        for (size_t i = channel; i < 3 * pixels; i += 3) {
            uint64_t code = output->rgb[i];
            bins[input->rgb[i]].count++;
            bins[input->rgb[i]].sum += code;
            all.sum += code;
            squares += code * code;
        }
        const double mean = (double)all.sum / (double)pixels;
        total += (double)squares - mean * (double)all.sum;
        for (int code = 0; code < 256; code++)
            if (bins[code].count) {
                double bin_mean = (double)bins[code].sum / (double)bins[code].count;
                explained += (double)bins[code].count * (bin_mean - mean) * (bin_mean - mean);
            }
    }
    // Less than a pixel one code off its mean is rounding of these sums.
    return total > 0.5 ? (explained < total ? explained / total : 1) : 1;
}
