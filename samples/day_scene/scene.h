// A street: what stands where, and what a ray meets.
#ifndef DAY_SCENE_SCENE_H
#define DAY_SCENE_SCENE_H

#include <stdbool.h>

#include "vec.h"

#define FAR             1e9f
#define ROAD_HALF_WIDTH 5.5f
#define KERB_HEIGHT     0.13f
#define HOUSE_LINE      9.0f
#define CROSSING_Z      31.0f // pedestrian crossing

typedef enum material {
    M_GROUND,
    M_PAVEMENT,
    M_FACADE, // a house's body; `house` tells the rest
    M_TRIM,   // smooth painted stone: sills, cornices
    M_ROOF,
    M_BRICK,
    M_SIGN, // shop sign with `house`'s name on it
    M_AWNING,
    M_WALK, // the sign at a crossing
    M_METAL,
    M_LAMP, // the glass of a street lamp
    M_BARK,
    M_LEAVES,
    M_CAR,
} material;

typedef struct house {
    int seed, side;      // side: -1 left, 1 right of the street
    float z0, z1, front; // front: x of the facade
    float eaves, ground_floor, storey;
    int bays, storeys; // storeys above the ground floor
    int door_bay;
    bool shop, brick, gable;
    float window_width, window_height;
    vec wall, trim, accent;
    const char *name; // of the shop
} house;

// A hole in a facade: u runs along the facade from z0, v up.
typedef enum opening_kind {
    OPENING_NONE,
    OPENING_WINDOW,
    OPENING_PANE, // of a shop
    OPENING_DOOR,
} opening_kind;

typedef struct opening {
    opening_kind kind;
    float u0, u1, v0, v1;
    int id;
} opening;

// The opening at (u, v), if any.
opening house_opening(const house *house, float u, float v);

typedef struct box {
    vec lo, hi;
} box;

typedef enum shape_kind {
    SHAPE_POLYTOPE, // the points p with dot(normal, p) <= offset for every plane
    SHAPE_CAPSULE,
    SHAPE_TREE, // a crown
    SHAPE_CAR,
} shape_kind;

typedef struct plane {
    vec normal;
    float offset;
} plane;

typedef struct shape {
    shape_kind kind;
    material material;
    box box;
    int seed;
    vec colour;
    const house *house;
    union {
        struct {
            plane planes[8];
            int count;
        } polytope;
        struct {
            vec a, b;
            float radius;
        } capsule;
        struct {
            vec centre;
            float radius;
        } tree;
        struct {
            vec position;          // of the middle, on the ground
            float heading;         // 1: faces along z, -1: against it
            float speed;           // metres a second along its heading
            float rear, rear_lean; // the rear window: z at the belt line, slope
            bool van;
        } car;
    };
} shape;

typedef struct bvh bvh;

typedef struct scene {
    shape *shapes;
    int count, capacity;
    shape movers[8];
    int mover_count;
    house *houses;
    int house_count;
    bvh *tree;
} scene;

typedef struct ray {
    vec origin, direction; // direction has length 1
    float time;            // seconds
    bool no_leaves;        // trees let it through
} ray;

typedef struct hit {
    float t; // FAR: nothing
    vec p, normal;
    vec local; // p in the shape's own space (cars)
    const shape *shape;
} hit;

// Lay out the street; exits when memory runs out.
void scene_build(scene *scene);
void scene_free(scene *scene);

// The nearest thing before `limit`, the ground included.
hit scene_trace(const scene *scene, ray ray, float limit);

// Is anything within `limit`?
bool scene_blocked(const scene *scene, ray ray, float limit);

// shapes.c: one shape. The distance to it, or FAR. `normal` and `local` may be NULL; `coarse`, less
// exact and faster, is enough for shadows.
float shape_intersect(const shape *shape, ray ray, float limit, bool coarse, vec *normal,
                      vec *local);
shape shape_box(vec lo, vec hi, material material, vec colour);
shape shape_capsule(vec a, vec b, float radius, material material, vec colour);
shape shape_tree(vec centre, float radius, int seed);
shape shape_car(vec position, float heading, float speed, bool van, vec colour, int seed);
// Cut a polytope; the box stays.
void shape_cut(shape *shape, vec normal, float offset);

// bvh.c
bvh *bvh_build(shape *shapes, int count);
void bvh_free(bvh *tree);
float box_entry(const box *box, vec origin, vec inverse, float limit);
const shape *bvh_trace(const bvh *tree, ray ray, float *limit, bool any, vec *normal, vec *local);

// light.c: the colour that comes back along a ray, linear light.
vec sky_colour(vec direction, float time);
typedef struct sampler {
    int pixel, sample, dimension;
} sampler;

vec light_trace(const scene *scene, ray ray, sampler *random);

// material.c
typedef struct surface {
    vec p, normal, albedo, emission;
    float occlusion; // 1: open sky
    float mirror;    // share of light mirrored when seen straight on
    float rough;     // of the mirror
    float wrap;      // light that leaks around edges (leaves)
    bool sunless;    // known to lie in its own shadow
    vec sun_origin;  // where to look for the sun from
} surface;

surface material_surface(const hit *hit, ray ray, vec sun);

// facade.c: the front of a house, with recessed windows, doors and shop panes.
void facade_surface(surface *surface, const hit *hit, ray ray, vec sun);
vec wall_albedo(const house *house, float u, float v, float distance);
float sign_text(const char *text, float x, float y);

#endif
