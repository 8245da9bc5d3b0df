// The street's sound.
#ifndef DAY_SCENE_SOUND_H
#define DAY_SCENE_SOUND_H

#include <stdbool.h>
#include <stdio.h>

// Write a 48 kHz stereo WAV file.
bool sound_write(FILE *out, int seconds);

#endif
