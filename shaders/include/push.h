// Push constants, declared once for C and GLSL:
//
//     CGV_PUSH(add)
//         uint64_t x, y;
//         int n;
//     CGV_PUSH_END(add)
//
// is `struct add_push` in C and the push constant block `push` in GLSL. 64-bit members come first,
// so that both languages lay them out alike. Packed to 4 bytes, so that no struct ends in padding,
// whose bytes nobody sets.
#ifndef CGV_PUSH_H
#define CGV_PUSH_H

#ifdef GL_core_profile
#define CGV_PUSH(name)     layout(push_constant, std430) uniform name##_push {
#define CGV_PUSH_END(name) } push;
#else
#include <stdint.h>

typedef unsigned int uint; // GLSL's name
#ifdef CGV_DOUBLE // of tests: as aligned as in GLSL
#define CGV_PUSH(name) struct name##_push {
#else
#define CGV_PUSH(name) struct __attribute__((packed, aligned(4))) name##_push {
#endif
#define CGV_PUSH_END(name) };
#endif

#endif
