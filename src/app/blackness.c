#include "app/blackness.h"

#include "base/log.h"

enum { MANY = 25 };

void cgv_blackness_note(cgv_blackness *b, bool bright_input, bool black_output) {
    b->pictures++;
    if (!bright_input)
        return;
    b->bright++;
    b->black += black_output;
    b->run = black_output ? b->run + 1 : 0;
    if (b->run == MANY && !b->said) {
        b->said = true;
        cgv_log(CGV_LOG_WARNING,
                "translate: the last %d pictures came out all black, though the inputs are not: is "
                "this the right model, and the right -model_range?",
                MANY);
    }
}

void cgv_blackness_judge(const cgv_blackness *b) {
    bool mostly_bright = 2 * b->bright >= b->pictures;
    if (b->said || !b->black || b->black < b->bright || !mostly_bright)
        return;
    cgv_log(CGV_LOG_WARNING, "translate: every picture came out all black, though the inputs are "
                             "not: is this the right model, and the right -model_range?");
}
