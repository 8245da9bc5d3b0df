// The metadata of model files that cgvideo reads and writes; the keys are in cgvideo/model.h.
#ifndef CGV_MODEL_NOTES_H
#define CGV_MODEL_NOTES_H

#include "model/safetensors.h"

enum { CGV_MAX_NOTES = 3 };

// Metadata are anybody's text, and a network is none the worse for bad ones: what makes no sense is
// left out, a description is cleaned.
void cgv_notes_read(cgv_state_notes *out, const cgv_safetensors *file);
// One of them; other keys are ignored.
void cgv_notes_read_one(cgv_state_notes *out, const char *key, const char *value);

// The notes as a file holds them, into list[0..*count); they point into *notes, architecture and
// size.
void cgv_notes_list(cgv_safetensors_note list[CGV_MAX_NOTES], int *count,
                    const cgv_state_notes *notes, const char *architecture, char size[32]);

// One line of text for a terminal: control characters become spaces, and what is too long is cut
// between characters. text: UTF-8.
void cgv_notes_clean(char *line, size_t size, const char *text);

#endif
