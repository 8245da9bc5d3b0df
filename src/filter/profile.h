// What the commands of one picture cost, for cgvideo bench.
#ifndef CGV_FILTER_PROFILE_H
#define CGV_FILTER_PROFILE_H

#include "cgvideo/translator.h"
#include "gpu/gpu.h"

// Times of the pictures that went through together with the one received last; needs
// params.profile. As cgv_cmd_profile; *count 0: it had
// none.
CGV_NODISCARD cgv_status cgv_translator_profile(cgv_translator *translator,
                                                const cgv_profile_entry **entries, int *count);

// Size of the picture that the network runs on.
void cgv_translator_net_size(const cgv_translator *translator, int *width, int *height);

#endif
