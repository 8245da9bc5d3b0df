// A state_dict as training code leaves it, brought to the names of the network alone.
#ifndef CGV_MODEL_CLEAN_H
#define CGV_MODEL_CLEAN_H

#include "model/state_dict.h"

// Take away what wrappers put before every name ("module.", "_orig_mod."), and, where the
// dictionary holds several networks ("netG.", "netD."), all but the generator.
void cgv_clean_names(cgv_state_dict *dict);

// Running statistics of norms without weights: instance norms of PyTorch up to 0.4 left them in the
// file, and nothing reads them. After cgv_folds_take, which takes those of batch norms.
void cgv_clean_statistics(cgv_state_dict *dict);

#endif
