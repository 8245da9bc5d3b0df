// Motion of the full picture is told for blocks of it: C and GLSL.
#ifndef STEADY_BLOCK
#define STEADY_BLOCK 8 // pixels of a side
#define STEADY_NOWHERE 0x7fffffff
#endif
