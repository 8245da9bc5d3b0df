// Sun, sky, shadows, mirrors and haze.
#include "scene.h"

static const vec sun_light = {4.5f, 3.95f, 3.2f};
static const vec sky_light = {0.42f, 0.57f, 0.84f};

static vec sun_direction(void) {
    return normalise(v3(-0.62f, 0.70f, 0.36f));
}

// The samples of one pixel fill each pair of dimensions evenly (powers of the plastic number);
// pixels differ by a shift.
static float uniform(sampler *random) {
    int dimension = random->dimension++;
    float step = dimension % 2 ? 0.5698403f : 0.7548777f;
    float x = hash3(random->pixel, dimension, 11) + step * (float)random->sample;
    return x - floorf(x);
}

static float cloud_density(float x, float z) {
    float body = fbm2(x, z, 5, 60), spread = fbm2(x * 0.35f, z * 0.35f, 2, 70);
    return smooth(0.47f, 0.75f, body + 0.5f * (spread - 0.36f));
}

vec sky_colour(vec d, float time) {
    vec sun = sun_direction();
    float up = fmaxf(d.y, 0), towards = fmaxf(dot(d, sun), 0);
    vec c = mix(v3(0.66f, 0.84f, 1.1f), v3(0.07f, 0.24f, 0.76f), powf(up, 0.5f));
    c = add(c, scale(v3(1, 0.85f, 0.6f), 0.25f * powf(towards, 8) + 0.5f * powf(towards, 90)));
    if (towards > 0.9995f)
        c = add(c, grey(40));
    if (d.y < 0.015f)
        return c;
    // Clouds in one layer; a second look towards the sun tells how thick they are on the way.
    float reach = 1.9f / (d.y + 0.06f), x = d.x * reach + 3.1f - 0.006f * time;
    float z = d.z * reach + 1.7f;
    float density = cloud_density(x, z);
    if (density <= 0)
        return c;
    float ahead = cloud_density(x + 0.16f * sun.x, z + 0.16f * sun.z);
    vec cloud = mix(v3(1.55f, 1.5f, 1.42f), v3(0.68f, 0.74f, 0.84f), 0.75f * ahead * density);
    return mix(c, cloud, 0.92f * density * smooth(0.015f, 0.12f, d.y));
}

static vec around(vec axis, float spread, sampler *random) {
    vec side = normalise(cross(axis, fabsf(axis.y) < 0.9f ? v3(0, 1, 0) : v3(1, 0, 0)));
    vec other = cross(axis, side);
    float r = spread * sqrtf(uniform(random)), angle = 6.2832f * uniform(random);
    vec d = along(along(axis, side, r * cosf(angle)), other, r * sinf(angle));
    return normalise(d);
}

// Light from everywhere but the sun: blue from above, warm from the lit ground.
static vec ambient(const scene *street, const surface *s, float time, sampler *random) {
    float up = 0.5f + 0.5f * s->normal.y;
    vec light = add(scale(sky_light, up), scale(v3(0.34f, 0.295f, 0.24f), 1.15f - up));
    if (s->wrap > 0) // leaves: a crown knows its own depth
        return scale(light, s->occlusion);
    // A short feeler in a random direction darkens corners and what is under cars and eaves.
    float z = 1 - 2 * uniform(random), angle = 6.2832f * uniform(random);
    float r = sqrtf(fmaxf(1 - z * z, 0));
    vec d = normalise(along(v3(r * cosf(angle), z, r * sinf(angle)), s->normal, 1.02f));
    ray feeler = {along(s->p, s->normal, 0.01f), d, time, true};
    float reach = 2.5f, t = fminf(scene_trace(street, feeler, reach).t, reach);
    float open = mixf(0.3f, 1, sqrtf(t / reach));
    return scale(light, s->occlusion * open);
}

static vec shade(const scene *street, const surface *s, ray r, sampler *random) {
    vec sun = sun_direction();
    vec light = ambient(street, s, r.time, random);
    float facing = (dot(s->normal, sun) + s->wrap) / (1 + s->wrap);
    if (facing > 0 && !s->sunless) {
        ray shadow = {s->sun_origin, around(sun, 0.006f, random), r.time, false};
        if (!scene_blocked(street, shadow, 400))
            light = along(light, sun_light, facing);
    }
    return add(mul(s->albedo, light), s->emission);
}

static vec haze(vec colour, float t) {
    float through = expf(-0.0026f * fmaxf(t - 6, 0));
    vec air = v3(0.66f, 0.77f, 0.92f);
    return mix(air, colour, through);
}

// One bounce off glass and paint; what is seen in the mirror is matt.
static vec mirror(const scene *street, const surface *s, ray r, sampler *random) {
    vec d = reflect(r.direction, s->normal);
    if (s->rough > 0)
        d = around(d, s->rough, random);
    ray bounce = {along(s->p, s->normal, 0.01f), d, r.time, false};
    // Out of a reveal, past the wall that surrounds it.
    if (dot(sub(s->sun_origin, s->p), s->normal) > 0.05f)
        bounce.origin = along(s->p, d, 0.2f / fmaxf(dot(d, s->normal), 0.1f));
    hit h = scene_trace(street, bounce, FAR);
    if (h.t == FAR)
        return sky_colour(d, r.time);
    surface seen = material_surface(&h, bounce, sun_direction());
    return haze(shade(street, &seen, bounce, random), h.t);
}

vec light_trace(const scene *street, ray r, sampler *random) {
    hit h = scene_trace(street, r, FAR);
    if (h.t == FAR)
        return sky_colour(r.direction, r.time);
    surface s = material_surface(&h, r, sun_direction());
    vec colour = shade(street, &s, r, random);
    if (s.mirror > 0) {
        float away = 1 - fmaxf(-dot(r.direction, s.normal), 0);
        float share = s.mirror + (1 - s.mirror) * powf(away, 5) * (s.rough > 0.1f ? 0.15f : 1);
        colour = mix(colour, mirror(street, &s, r, random), share);
    }
    return haze(colour, h.t);
}
