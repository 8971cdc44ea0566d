/* Pauses that rules ask of drivers on the way; what routing/rules says in Rule.pause. Drivers with breaks have
 * none. */
#ifndef PAUSES_H
#define PAUSES_H

#include "racer.h"

enum { MAX_DRIVING, REST_DURATION }; /* numbers of rules for each vehicle type */

/* How many rests are over when a driver has been so long at the wheel in all, who rests after each `most`. */
static inline double rests_over(double driven, double most) {
    double over = ceil(driven / most - 1e-9) - 1.0;
    return over > 0.0 ? over : 0.0;
}

/* How long a driver pauses on a leg, who was so long at the wheel before it and after it. */
static inline double pause_on_leg(const Problem *p, int64_t kind, double before, double after) {
    const double *numbers = p->rule_numbers + kind * p->rule_width;
    if (!isfinite(numbers[MAX_DRIVING]) || !isfinite(after)) return 0.0;
    double rests = rests_over(after, numbers[MAX_DRIVING]) - rests_over(before, numbers[MAX_DRIVING]);
    return numbers[REST_DURATION] * rests;
}

#endif
