// Pictures in host memory for tests: every layout by name, rows with padding or upside down, and
// guard bytes that must not change.
#ifndef CGV_TESTS_PICTURES_H
#define CGV_TESTS_PICTURES_H

#include "base/rng.h"
#include "cgvideo/model.h"
#include "cgvideo/picture.h"
#include "cgvideo/translator.h"

typedef struct named_layout {
    const char *name;
    cgv_layout layout;
} named_layout;

// All kinds of layouts that the filter takes, under ffmpeg's names. Ends with {0}.
extern const named_layout test_layouts[];

// The layout of this name; ends the program where there is none.
cgv_layout test_layout(const char *name);

typedef struct test_matrix {
    const char *name;
    float kr, kb;
} test_matrix;
#define TEST_MATRICES 3
extern const test_matrix test_matrices[TEST_MATRICES]; // BT.601, BT.709, BT.2020

typedef struct test_siting {
    float x, y;
} test_siting;
#define TEST_SITINGS 6
extern const test_siting test_sitings[TEST_SITINGS]; // of chroma: left, centre, top left …

cgv_picture_format picture_format_of(const char *layout, int width, int height, int matrix,
                                     bool full_range, const test_siting *siting);

bool layout_subsampled(const cgv_layout *layout);

typedef struct test_picture {
    cgv_picture_format format;
    cgv_picture view; // of `memory`
    uint8_t *memory;
    size_t bytes;
} test_picture;

typedef enum picture_rows {
    PICTURE_TIGHT,
    PICTURE_PADDED,
    PICTURE_UPSIDE_DOWN, // padded too; strides are negative
} picture_rows;

// Memory is filled with a guard pattern. Out of memory ends the program.
test_picture picture_create(const cgv_picture_format *format, picture_rows rows);
void picture_destroy(test_picture *picture);

// Columns and rows of a component's samples.
int component_width(const cgv_picture_format *format, int component);
int component_height(const cgv_picture_format *format, int component);

int colour_components(const cgv_layout *layout); // without alpha

int picture_code(const test_picture *picture, int component, int x, int y);
void picture_set(test_picture *picture, int component, int x, int y, int code);

// Every sample any code of its depth.
void picture_randomise(test_picture *picture, cgv_rng *rng);

// Whether only bytes of samples differ from the guard pattern.
bool picture_guards_intact(const test_picture *picture);

// How the colours of two pictures of one layout and size differ.
typedef struct picture_difference {
    int largest; // codes
    double mean;
} picture_difference;
picture_difference picture_compare(const test_picture *a, const test_picture *b);

// One picture through a translator of its own.
CGV_NODISCARD cgv_status picture_translate(test_picture *out, const test_picture *in,
                                           cgv_device *device, const cgv_model *model,
                                           float strength);

#endif
