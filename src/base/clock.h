// Time that passes, whatever is done to the time of day.
#ifndef CGV_BASE_CLOCK_H
#define CGV_BASE_CLOCK_H

double cgv_clock_seconds(void);

#endif
