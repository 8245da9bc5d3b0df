// What stands in the street.
#include "scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STREET_START (-24.0f)
#define STREET_END   200.0f
#define CROSS_STREET 64.0f // a side street opens here, on both sides
#define CROSS_WIDTH  9.0f

static void put(scene *s, shape new_shape) {
    if (s->count == s->capacity) {
        s->capacity = s->capacity ? 2 * s->capacity : 256;
        s->shapes = realloc(s->shapes, (size_t)s->capacity * sizeof *s->shapes);
        if (!s->shapes) {
            fprintf(stderr, "day_scene: out of memory\n");
            exit(1);
        }
    }
    s->shapes[s->count++] = new_shape;
}

// A box in front of a facade: u along it, v up, from `in` to `out` metres before the wall.
static shape facade_box(const house *h, float u0, float u1, float v0, float v1, float in, float out,
                        material made_of, vec colour) {
    float a = h->front - (float)h->side * in, b = h->front - (float)h->side * out;
    shape s = shape_box(v3(fminf(a, b), v0, h->z0 + u0), v3(fmaxf(a, b), v1, h->z0 + u1), made_of,
                        colour);
    s.house = h;
    return s;
}

static void put_roof(scene *s, const house *h) {
    float back = h->front + (float)h->side * 10, width = h->z1 - h->z0;
    if (!h->gable) { // a parapet hides the flat roof
        put(s, facade_box(h, 0, width, h->eaves, h->eaves + 0.5f, -0.25f, 0.02f, M_TRIM, h->trim));
        put(s, facade_box(h, -0.05f, width + 0.05f, h->eaves - 0.3f, h->eaves, -0.1f, 0.28f, M_TRIM,
                          h->trim));
        return;
    }
    float rise = 3.4f, eave = h->front - (float)h->side * 0.45f;
    shape roof = {.kind = SHAPE_POLYTOPE,
                  .material = M_ROOF,
                  .seed = h->seed,
                  .house = h,
                  .box = {v3(fminf(eave, back), h->eaves - 0.05f, h->z0 - 0.12f),
                          v3(fmaxf(eave, back), h->eaves + rise, h->z1 + 0.12f)}};
    float run = 5.2f, side = (float)h->side, ridge = h->front + side * 4.75f;
    // Both slopes pass through the ridge.
    shape_cut(&roof, v3(-side * rise, run, 0), -side * rise * ridge + run * (h->eaves + rise));
    shape_cut(&roof, v3(side * rise, run, 0), side * rise * ridge + run * (h->eaves + rise));
    shape_cut(&roof, v3(0, -1, 0), -(h->eaves - 0.05f));
    shape_cut(&roof, v3(0, 0, -1), -(h->z0 - 0.12f));
    shape_cut(&roof, v3(0, 0, 1), h->z1 + 0.12f);
    put(s, roof);
    put(s, facade_box(h, 0, width, h->eaves - 0.16f, h->eaves - 0.02f, 0.4f, 0.55f, M_METAL,
                      v3(0.25f, 0.25f, 0.26f)));
    float x = ridge - side * 0.9f, z = h->z0 + 1 + (width - 2) * hash3(h->seed, 5, 5);
    put(s, shape_box(v3(x - 0.35f, h->eaves + rise - 1.5f, z - 0.4f),
                     v3(x + 0.35f, h->eaves + rise + 0.8f, z + 0.4f), M_BRICK,
                     v3(0.36f, 0.17f, 0.12f)));
}

static void put_sills(scene *s, const house *h) {
    float width = h->z1 - h->z0, bay = width / (float)h->bays;
    for (int storey = h->shop ? 1 : 0; storey <= h->storeys; storey++)
        for (int i = 0; i < h->bays; i++) {
            float base = storey ? h->ground_floor + (float)(storey - 1) * h->storey : 0;
            opening o = house_opening(h, ((float)i + 0.5f) * bay, base + 1.4f);
            if (o.kind != OPENING_WINDOW)
                continue;
            put(s, facade_box(h, o.u0 - 0.08f, o.u1 + 0.08f, o.v0 - 0.09f, o.v0, -0.02f, 0.1f,
                              M_TRIM, h->trim));
            if (h->seed % 3 == 0)
                put(s, facade_box(h, o.u0 - 0.1f, o.u1 + 0.1f, o.v1, o.v1 + 0.18f, -0.02f, 0.06f,
                                  M_TRIM, h->trim));
        }
}

static void put_shop_front(scene *s, const house *h) {
    float width = h->z1 - h->z0, top = h->ground_floor - 0.15f;
    put(s, facade_box(h, 0.25f, width - 0.25f, top - 0.62f, top, -0.02f, 0.14f, M_SIGN, h->accent));
    if (hash3(h->seed, 3, 1) < 0.55f) {
        shape a = facade_box(h, 0.4f, width - 0.4f, top - 1.15f, top - 0.6f, -0.02f, 1.3f, M_AWNING,
                             h->accent);
        a.seed = h->seed;
        // A sheet: between two parallel slopes that fall 0.45 m towards the street.
        float side = (float)h->side;
        vec up = v3(-side * 0.45f, 1.3f, 0);
        float at = dot(up, v3(h->front, top - 0.64f, 0));
        shape_cut(&a, up, at);
        shape_cut(&a, scale(up, -1), -at + 0.06f);
        put(s, a);
    } else { // a sign on a bracket
        float z = h->z0 + 0.5f, x = h->front - (float)h->side * 0.55f;
        put(s, shape_box(v3(x - 0.4f, top + 0.1f, z - 0.05f), v3(x + 0.4f, top + 0.9f, z + 0.05f),
                         M_TRIM, h->accent));
    }
}

static void put_house(scene *s, const house *h) {
    float back = h->front + (float)h->side * 10;
    shape body = shape_box(v3(fminf(h->front, back), 0, h->z0),
                           v3(fmaxf(h->front, back), h->eaves, h->z1), M_FACADE, h->wall);
    body.house = h;
    put(s, body);
    put_roof(s, h);
    put_sills(s, h);
    float width = h->z1 - h->z0;
    put(s, facade_box(h, 0, width, 0, 0.55f, -0.02f, 0.05f, M_TRIM, scale(h->trim, 0.55f)));
    if (h->shop)
        put_shop_front(s, h);
    if (h->seed % 2)
        put(s, facade_box(h, 0, width, h->ground_floor - 0.12f, h->ground_floor + 0.05f, -0.02f,
                          0.09f, M_TRIM, h->trim));
    // A rain pipe at the seam.
    float x = h->front - (float)h->side * 0.09f;
    put(s, shape_capsule(v3(x, 0.2f, h->z0 + 0.12f), v3(x, h->eaves - 0.1f, h->z0 + 0.12f), 0.055f,
                         M_METAL, v3(0.22f, 0.23f, 0.24f)));
}

static house make_house(int seed, int side, float z0, float width) {
    static const vec walls[] = {{0.62f, 0.50f, 0.30f}, {0.60f, 0.56f, 0.48f}, {0.62f, 0.42f, 0.30f},
                                {0.56f, 0.60f, 0.58f}, {0.62f, 0.40f, 0.20f}, {0.60f, 0.47f, 0.44f},
                                {0.50f, 0.57f, 0.63f}, {0.60f, 0.58f, 0.53f}};
    static const vec accents[] = {{0.08f, 0.20f, 0.13f}, {0.30f, 0.05f, 0.05f},
                                  {0.05f, 0.10f, 0.25f}, {0.42f, 0.25f, 0.06f},
                                  {0.06f, 0.06f, 0.07f}, {0.10f, 0.24f, 0.26f}};
    static const char *const names[] = {"BAKERY", "CAFE", "BOOKS", "FLOWERS", "HOTEL",
                                        "MARKET", "TEA",  "SHOES", "OPTIC",   "BAR"};
    float r[8];
    for (int i = 0; i < 8; i++)
        r[i] = hash3(seed, i, 77);
    house h = {.seed = seed, .side = side, .z0 = z0, .z1 = z0 + width};
    h.front = (float)side * (HOUSE_LINE + 0.35f * floorf(2 * r[0]));
    h.shop = r[1] < 0.5f;
    h.brick = r[2] < 0.38f;
    h.gable = r[3] < 0.62f;
    h.storeys = 1 + (int)(2.6f * r[4]);
    h.storey = 2.85f + 0.3f * r[5];
    h.ground_floor = h.shop ? 3.7f : 3.1f;
    h.eaves = h.ground_floor + (float)h.storeys * h.storey + 0.35f;
    h.bays = (int)(width / 2.5f + 0.5f);
    h.door_bay = seed % h.bays;
    h.window_width = 1.0f + 0.3f * r[6];
    h.window_height = 1.5f + 0.25f * r[7];
    h.wall = h.brick ? mix(v3(0.40f, 0.17f, 0.11f), v3(0.48f, 0.30f, 0.20f), r[5])
                     : walls[hash_bits((uint32_t)seed) % 8];
    h.trim = h.brick || r[6] < 0.6f ? v3(0.62f, 0.60f, 0.55f) : scale(h.wall, 0.75f);
    h.accent = accents[hash_bits((uint32_t)seed + 9) % 6];
    h.name = names[hash_bits((uint32_t)seed + 40) % 10];
    return h;
}

static void put_houses(scene *s) {
    // The shapes point at their houses: the array must not move.
    s->houses = calloc(128, sizeof *s->houses);
    if (!s->houses) {
        fprintf(stderr, "day_scene: out of memory\n");
        exit(1);
    }
    for (int side = -1; side <= 1; side += 2) {
        float z = STREET_START;
        while (z < STREET_END && s->house_count < 128) {
            int seed = 100 * (side + 2) + s->house_count;
            float width = 7.2f + 5 * hash3(seed, 1, 2);
            if (z < CROSS_STREET && z + width > CROSS_STREET - 1) {
                width = CROSS_STREET - z;
                if (width < 5) {
                    z = CROSS_STREET + CROSS_WIDTH;
                    continue;
                }
            }
            house *h = &s->houses[s->house_count++];
            *h = make_house(seed, side, z, width);
            put_house(s, h);
            z += width;
            if (z > CROSS_STREET - 0.1f && z < CROSS_STREET + 0.1f)
                z = CROSS_STREET + CROSS_WIDTH;
            else if (hash3(seed, 4, 4) < 0.2f) { // a gate and a hedge between two houses
                float x = (float)side * (HOUSE_LINE + 0.6f);
                put(s, shape_box(v3(fminf(x, x + (float)side * 0.4f), 0, z),
                                 v3(fmaxf(x, x + (float)side * 0.4f), 1.7f, z + 3.5f), M_BRICK,
                                 v3(0.42f, 0.20f, 0.14f)));
                put(s, shape_tree(v3(x + (float)side * 3, 3.4f, z + 1.7f), 2.1f, seed));
                z += 3.5f;
            }
        }
    }
}

static void put_tree(scene *s, float x, float z, int seed) {
    float radius = 1.75f + 0.5f * hash3(seed, 1, 9), height = 4.3f + 0.9f * hash3(seed, 2, 9);
    vec bark = v3(0.15f, 0.115f, 0.085f), fork = v3(x, height - 1.3f, z);
    put(s, shape_tree(v3(x, height, z), radius, seed));
    put(s, shape_capsule(v3(x, 0, z), fork, 0.13f, M_BARK, bark));
    for (int i = 0; i < 3; i++) {
        float angle = 2.1f * (float)i + (float)seed;
        put(s, shape_capsule(fork, v3(x + 0.8f * cosf(angle), height, z + 0.8f * sinf(angle)),
                             0.06f, M_BARK, bark));
    }
}

static void put_lamp(scene *s, float side, float z) {
    vec iron = v3(0.09f, 0.11f, 0.11f);
    float x = side * (ROAD_HALF_WIDTH + 0.45f), arm = x - side * 1.5f;
    put(s, shape_capsule(v3(x, 0, z), v3(x, 0.9f, z), 0.11f, M_METAL, iron));
    put(s, shape_capsule(v3(x, 0, z), v3(x, 6.1f, z), 0.06f, M_METAL, iron));
    put(s, shape_capsule(v3(x, 6.1f, z), v3(arm, 6.5f, z), 0.045f, M_METAL, iron));
    put(s, shape_box(v3(arm - 0.38f, 6.46f, z - 0.14f), v3(arm + 0.38f, 6.6f, z + 0.14f), M_METAL,
                     iron));
    put(s, shape_box(v3(arm - 0.32f, 6.38f, z - 0.11f), v3(arm + 0.32f, 6.46f, z + 0.11f), M_LAMP,
                     v3(0.9f, 0.88f, 0.8f)));
}

static vec car_colour(int turn) {
    static const vec paints[] = {{0.36f, 0.37f, 0.38f},  {0.56f, 0.56f, 0.54f},
                                 {0.03f, 0.03f, 0.035f}, {0.38f, 0.03f, 0.03f},
                                 {0.04f, 0.09f, 0.26f},  {0.20f, 0.22f, 0.24f},
                                 {0.06f, 0.17f, 0.13f},  {0.46f, 0.38f, 0.26f}};
    return paints[turn % 8];
}

static void put_street_furniture(scene *s) {
    for (int i = 0; i < 20; i++) {
        float z = -16 + 12 * (float)i;
        for (int side = -1; side <= 1; side += 2) {
            float x = (float)side * (ROAD_HALF_WIDTH + 0.75f);
            float at = z + (side < 0 ? 3 : 0);
            if (fabsf(at - CROSS_STREET - CROSS_WIDTH / 2) < 8 || fabsf(at - CROSSING_Z) < 3)
                continue;
            if ((i + (side > 0)) % 2)
                put_lamp(s, (float)side, at);
            else
                put_tree(s, x, at, 40 + 3 * i + side);
        }
    }
    for (int i = 0; i < 36; i++)
        for (int side = -1; side <= 1; side += 2) {
            int seed = 500 + 2 * i + side;
            float z = -14 + 5.9f * (float)i + 0.7f * hash3(seed, 1, 1);
            if (hash3(seed, 2, 2) < 0.3f || fabsf(z - CROSS_STREET - CROSS_WIDTH / 2) < 9 ||
                fabsf(z - CROSSING_Z) < 6)
                continue;
            vec at = v3((float)side * (ROAD_HALF_WIDTH - 1.05f), 0, z);
            put(s, shape_car(at, (float)side, 0, hash3(seed, 3, 3) < 0.16f,
                             car_colour(3 * i + (side > 0 ? 1 : 4)), seed));
        }
    for (int side = -1; side <= 1; side += 2) { // posts beside the crossing
        float x = (float)side * (ROAD_HALF_WIDTH + 0.25f);
        for (int i = -2; i <= 2; i++)
            put(s, shape_capsule(v3(x, 0, CROSSING_Z + 1.4f * (float)i),
                                 v3(x, 0.95f, CROSSING_Z + 1.4f * (float)i), 0.05f, M_METAL,
                                 v3(0.08f, 0.08f, 0.09f)));
        put(s, shape_capsule(v3(x, 0, CROSSING_Z - 3.4f), v3(x, 2.9f, CROSSING_Z - 3.4f), 0.035f,
                             M_METAL, v3(0.4f, 0.4f, 0.4f)));
        put(s, shape_box(v3(x - 0.3f, 2.3f, CROSSING_Z - 3.46f),
                         v3(x + 0.3f, 2.9f, CROSSING_Z - 3.42f), M_WALK, v3(0.03f, 0.13f, 0.45f)));
    }
}

static void put_ground(scene *s) {
    for (int side = -1; side <= 1; side += 2) {
        float kerb = (float)side * ROAD_HALF_WIDTH, far = (float)side * 60;
        float ends[] = {-60, CROSS_STREET + 1, CROSS_STREET + CROSS_WIDTH - 1, 400};
        for (int i = 0; i < 4; i += 2)
            put(s, shape_box(v3(fminf(kerb, far), -1, ends[i]),
                             v3(fmaxf(kerb, far), KERB_HEIGHT, ends[i + 1]), M_PAVEMENT,
                             v3(0.33f, 0.315f, 0.29f)));
        // The far side of the side street.
        for (int i = 0; i < 4; i++)
            put_tree(s, (float)side * (22 + 6 * (float)i), CROSS_STREET + 8.2f, 900 + i);
    }
    // The street ends at a park.
    for (int i = -7; i <= 7; i++) {
        put_tree(s, 4.2f * (float)i, STREET_END + 6 + 5 * hash3(i, 1, 1), 700 + i);
        shape high = shape_tree(v3(5.1f * (float)i, 6.5f, STREET_END + 22), 6.2f, 800 + i);
        put(s, high);
    }
}

static void put_traffic(scene *s) {
    s->movers[s->mover_count++] =
        shape_car(v3(1.65f, 0, 9.5f), 1, 6.9f, false, v3(0.36f, 0.025f, 0.03f), 1);
    s->movers[s->mover_count++] = shape_car(v3(1.7f, 0, 62), 1, 8, false, v3(0.6f, 0.6f, 0.61f), 2);
    s->movers[s->mover_count++] =
        shape_car(v3(-1.7f, 0, 38), -1, 8.5f, false, v3(0.04f, 0.07f, 0.16f), 3);
    s->movers[s->mover_count++] =
        shape_car(v3(-1.75f, 0, 76), -1, 8.2f, true, v3(0.58f, 0.57f, 0.54f), 4);
    s->movers[s->mover_count++] =
        shape_car(v3(-1.7f, 0, 118), -1, 9, false, v3(0.33f, 0.34f, 0.35f), 5);
}

void scene_build(scene *s) {
    memset(s, 0, sizeof *s);
    put_ground(s);
    put_houses(s);
    put_street_furniture(s);
    put_traffic(s);
    s->tree = bvh_build(s->shapes, s->count);
}

void scene_free(scene *s) {
    bvh_free(s->tree);
    free(s->shapes);
    free(s->houses);
}

static const shape *trace(const scene *s, ray r, float *limit, bool any, vec *normal, vec *local) {
    const shape *found = bvh_trace(s->tree, r, limit, any, normal, local);
    for (int i = 0; i < s->mover_count && !(any && found); i++) {
        float t = shape_intersect(&s->movers[i], r, *limit, any, normal, local);
        if (t < *limit) {
            *limit = t;
            found = &s->movers[i];
        }
    }
    return found;
}

hit scene_trace(const scene *s, ray r, float limit) {
    static const shape ground = {.material = M_GROUND};
    hit h = {.t = limit};
    h.shape = trace(s, r, &h.t, false, &h.normal, &h.local);
    float t = -r.origin.y / r.direction.y;
    if (t > 1e-4f && t < h.t) {
        h.t = t;
        h.normal = v3(0, 1, 0);
        h.shape = &ground;
    }
    if (!h.shape)
        h.t = FAR;
    h.p = along(r.origin, r.direction, h.t);
    return h;
}

bool scene_blocked(const scene *s, ray r, float limit) {
    return trace(s, r, &limit, true, NULL, NULL) != NULL;
}
