// What is done otherwise where Mesa runs shaders on a CPU, with vectors of eight lanes or four. (Some
// GPUs have subgroups of eight too: there it costs little.)
#ifndef CGV_CPU_GLSL
#define CGV_CPU_GLSL

// Whatever a loop changes is blended at each change with what lanes keep that have left the loop, which
// costs more than a product. So products meet in a variable of the turn before they meet the loop's.
const bool ON_CPU = SUBGROUP <= 8;

#endif
