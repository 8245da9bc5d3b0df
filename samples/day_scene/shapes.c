// Rays against one shape: exact for polytopes and capsules, marched for trees and cars.
#include "scene.h"

#define SURFACE 1e-4f // nearer than this is where the ray started

shape shape_box(vec lo, vec hi, material made_of, vec colour) {
    shape s = {.kind = SHAPE_POLYTOPE, .material = made_of, .box = {lo, hi}, .colour = colour};
    shape_cut(&s, v3(-1, 0, 0), -lo.x);
    shape_cut(&s, v3(1, 0, 0), hi.x);
    shape_cut(&s, v3(0, -1, 0), -lo.y);
    shape_cut(&s, v3(0, 1, 0), hi.y);
    shape_cut(&s, v3(0, 0, -1), -lo.z);
    shape_cut(&s, v3(0, 0, 1), hi.z);
    return s;
}

void shape_cut(shape *s, vec normal, float offset) {
    float l = length(normal);
    s->polytope.planes[s->polytope.count++] = (plane){scale(normal, 1 / l), offset / l};
}

shape shape_capsule(vec a, vec b, float radius, material made_of, vec colour) {
    return (shape){
        .kind = SHAPE_CAPSULE,
        .material = made_of,
        .colour = colour,
        .box = {sub(v3(fminf(a.x, b.x), fminf(a.y, b.y), fminf(a.z, b.z)), grey(radius)),
                add(v3(fmaxf(a.x, b.x), fmaxf(a.y, b.y), fmaxf(a.z, b.z)), grey(radius))},
        .capsule = {a, b, radius},
    };
}

shape shape_tree(vec centre, float radius, int seed) {
    vec reach = grey(radius * 1.15f);
    return (shape){
        .kind = SHAPE_TREE,
        .material = M_LEAVES,
        .seed = seed,
        .box = {sub(centre, reach), add(centre, reach)},
        .tree = {centre, radius},
    };
}

shape shape_car(vec position, float heading, float speed, bool van, vec colour, int seed) {
    vec reach = v3(1.05f, 0, van ? 2.6f : 2.3f);
    bool saloon = seed % 3 != 0;
    return (shape){
        .kind = SHAPE_CAR,
        .material = M_CAR,
        .seed = seed,
        .colour = colour,
        .box = {sub(position, reach), add(position, v3(reach.x, van ? 2.2f : 1.6f, reach.z))},
        .car = {position, heading, speed, saloon ? -1.66f : -1.88f, saloon ? 1.15f : 0.35f, van},
    };
}

static float polytope(const shape *s, ray r, float limit, vec *normal) {
    float enter = -FAR, leave = limit;
    int face = 0;
    for (int i = 0; i < s->polytope.count; i++) {
        const plane *p = &s->polytope.planes[i];
        float speed = dot(p->normal, r.direction);
        float distance = p->offset - dot(p->normal, r.origin);
        if (fabsf(speed) < 1e-7f) {
            if (distance < 0)
                return FAR;
            continue;
        }
        float t = distance / speed;
        if (speed < 0 && t > enter) {
            enter = t;
            face = i;
        } else if (speed > 0 && t < leave) {
            leave = t;
        }
        if (enter > leave)
            return FAR;
    }
    if (enter < SURFACE)
        return FAR;
    if (normal)
        *normal = s->polytope.planes[face].normal;
    return enter;
}

static float capsule(const shape *s, ray r, vec *normal) {
    vec axis = sub(s->capsule.b, s->capsule.a), from = sub(r.origin, s->capsule.a);
    float aa = dot(axis, axis), ad = dot(axis, r.direction), ao = dot(axis, from);
    float radius2 = s->capsule.radius * s->capsule.radius;
    float a = aa - ad * ad, b = aa * dot(from, r.direction) - ao * ad;
    float c = aa * dot(from, from) - ao * ao - radius2 * aa;
    float h = b * b - a * c;
    if (h < 0)
        return FAR;
    float t = (-b - sqrtf(h)) / a, y = ao + t * ad;
    if (y <= 0 || y >= aa) { // the caps
        vec oc = y <= 0 ? from : sub(r.origin, s->capsule.b);
        b = dot(r.direction, oc);
        h = b * b - dot(oc, oc) + radius2;
        if (h < 0)
            return FAR;
        t = -b - sqrtf(h);
    }
    if (t < SURFACE)
        return FAR;
    if (normal) {
        vec p = along(r.origin, r.direction, t);
        y = clampf(dot(sub(p, s->capsule.a), axis) / aa, 0, 1);
        *normal = scale(sub(p, along(s->capsule.a, axis, y)), 1 / s->capsule.radius);
    }
    return t;
}

// A crown: a few balls, roughened at the scale of boughs and of leaves.
static float tree_distance(const shape *s, vec p, float time, bool coarse) {
    float radius = s->tree.radius, d = FAR;
    p = sub(p, s->tree.centre);
    for (int i = 0; i < 7; i++) {
        float angle = (float)i * 1.05f + (float)s->seed;
        float out = i ? 0.54f * radius : 0, r = i ? mixf(0.3f, 0.5f, hash3(i, s->seed, 1)) : 0.58f;
        vec c = v3(cosf(angle) * out, 1.3f * (hash3(i, s->seed, 2) - 0.45f) * radius,
                   sinf(angle) * out);
        d = fminf(d, length(sub(p, c)) - r * radius);
    }
    if (d > 0.7f)
        return d - 0.35f;
    vec sway = v3(0.05f * sinf(2.1f * time + (float)s->seed), 0, 0.04f * cosf(1.7f * time));
    p = add(p, scale(sway, 1 + p.y));
    d += 0.6f * (noise3(scale(p, 1.7f), s->seed) - 0.5f);
    float twigs = noise3(scale(p, 4.3f), s->seed + 1);
    d += 0.5f * (twigs - 0.5f);
    // Gaps that let the sky and the sun through.
    d = fmaxf(d, 0.4f * (0.42f - noise3(scale(p, 3.1f), s->seed + 3)));
    return coarse ? d : d + 0.34f * (noise3(scale(p, 14), s->seed + 2) - 0.5f);
}

static float tree(const shape *s, ray r, float limit, bool coarse, vec *normal) {
    vec inverse = v3(1 / r.direction.x, 1 / r.direction.y, 1 / r.direction.z);
    float t = box_entry(&s->box, r.origin, inverse, limit), d = 0;
    if (t == FAR || r.no_leaves)
        return FAR;
    t = fmaxf(t, 0.02f);
    float end = fminf(limit, t + 3 * s->tree.radius), close = coarse ? 0.05f : 0.012f;
    for (int i = 0; i < 48 && t < end; i++) {
        d = tree_distance(s, along(r.origin, r.direction, t), r.time, coarse);
        if (d < close)
            break;
        t += fmaxf(0.62f * d, 0.02f);
    }
    if (d >= close || t >= end)
        return FAR;
    if (normal) {
        vec p = along(r.origin, r.direction, t);
        float e = 0.06f, here = tree_distance(s, p, r.time, false);
        *normal = normalise(v3(tree_distance(s, v3(p.x + e, p.y, p.z), r.time, false) - here,
                               tree_distance(s, v3(p.x, p.y + e, p.z), r.time, false) - here,
                               tree_distance(s, v3(p.x, p.y, p.z + e), r.time, false) - here));
    }
    return t;
}

static float rounded_box(vec p, vec half, float radius) {
    vec q = v3(fabsf(p.x) - half.x + radius, fabsf(p.y) - half.y + radius,
               fabsf(p.z) - half.z + radius);
    vec out = v3(fmaxf(q.x, 0), fmaxf(q.y, 0), fmaxf(q.z, 0));
    return length(out) + fminf(fmaxf(q.x, fmaxf(q.y, q.z)), 0) - radius;
}

static float smooth_min(float a, float b, float k) {
    float h = clampf(0.5f + 0.5f * (b - a) / k, 0, 1);
    return mixf(b, a, h) - k * h * (1 - h);
}

// The glass house of a car: a cut prism that narrows upwards, given by its lines at the belt
// (y = 0.88) and at the roof.
static float cabin_distance(vec p, float roof, float narrow, float rear, float rear_lean,
                            float front, float lean) {
    float x = fabsf(p.x);
    float side = (x - 0.80f + narrow * (p.y - 0.88f)) * 0.968f;
    float back = (rear - p.z + rear_lean * (p.y - 0.88f)) / sqrtf(1 + rear_lean * rear_lean);
    float ahead = (p.z - front + lean * (p.y - 0.88f)) / sqrtf(1 + lean * lean);
    float d = fmaxf(fmaxf(side, fmaxf(back, ahead)), p.y - roof + 0.02f * p.z * p.z);
    return fmaxf(d, 0.6f - p.y) - 0.05f;
}

// The wheel at the near corner: both axles and sides fold onto one.
static float wheel_distance(vec p, float axle, float radius, float half_width) {
    float r = hypotf(p.y - 0.32f, fabsf(p.z) - axle) - radius;
    return fmaxf(r, fabsf(fabsf(p.x) - 0.76f) - half_width);
}

static float car_distance(const shape *s, vec p) {
    bool van = s->car.van;
    float length_half = van ? 2.4f : 2.08f, axle = van ? 1.5f : 1.28f;
    // Seen from above the body bows a little; bonnet and boot fall off towards the bumpers.
    float bow = 1 - 0.045f * (p.z * p.z) / (length_half * length_half);
    float drop = van ? 0 : 0.05f * fmaxf(fabsf(p.z) - 0.9f, 0);
    vec q = v3(p.x / bow, p.y - 0.57f + drop, p.z);
    float body = rounded_box(q, v3(0.87f, 0.34f, length_half), 0.17f);
    float cabin = van ? cabin_distance(p, 1.95f, 0.09f, -2.2f, 0.1f, 1.75f, 0.75f)
                      : cabin_distance(p, 1.38f, 0.26f, s->car.rear, s->car.rear_lean, 1.0f, 1.45f);
    float d = smooth_min(body, cabin, 0.07f);
    d = fmaxf(d, -wheel_distance(p, axle, 0.37f, 0.25f));
    return fminf(d, wheel_distance(p, axle, 0.32f, 0.11f) - 0.01f);
}

static float car(const shape *s, ray r, float limit, bool coarse, vec *normal, vec *local) {
    float turn = s->car.heading;
    vec from = sub(r.origin, s->car.position);
    from.z -= turn * s->car.speed * r.time;
    vec o = v3(from.x * turn, from.y, from.z * turn);
    vec d = v3(r.direction.x * turn, r.direction.y, r.direction.z * turn);
    box bounds = {v3(-1, 0, s->car.van ? -2.5f : -2.2f),
                  v3(1, s->car.van ? 2.1f : 1.5f, s->car.van ? 2.5f : 2.2f)};
    float t = box_entry(&bounds, o, v3(1 / d.x, 1 / d.y, 1 / d.z), limit), gap = FAR;
    if (t == FAR)
        return FAR;
    t = fmaxf(t, 0.004f);
    float end = fminf(limit, t + 5.5f), close = coarse ? 0.004f : 0.0008f;
    for (int i = 0; i < 64 && t < end; i++) {
        gap = car_distance(s, along(o, d, t));
        if (gap < close)
            break;
        t += 0.85f * gap;
    }
    if (gap >= 4 * close || t >= end)
        return FAR;
    if (normal) {
        vec p = along(o, d, t);
        float e = 0.004f, here = car_distance(s, p);
        vec n = normalise(v3(car_distance(s, v3(p.x + e, p.y, p.z)) - here,
                             car_distance(s, v3(p.x, p.y + e, p.z)) - here,
                             car_distance(s, v3(p.x, p.y, p.z + e)) - here));
        *normal = v3(n.x * turn, n.y, n.z * turn);
        *local = p;
    }
    return t;
}

float shape_intersect(const shape *s, ray r, float limit, bool coarse, vec *normal, vec *local) {
    switch (s->kind) {
    case SHAPE_POLYTOPE:
        return polytope(s, r, limit, normal);
    case SHAPE_CAPSULE:
        return capsule(s, r, normal);
    case SHAPE_TREE:
        return tree(s, r, limit, coarse, normal);
    case SHAPE_CAR:
        return car(s, r, limit, coarse, normal, local);
    }
    return FAR;
}
