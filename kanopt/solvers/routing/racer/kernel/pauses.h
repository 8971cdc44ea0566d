/* Pauses that rules ask of drivers on the way; what problems/routing/rules says in Rule.pause. Drivers with breaks have
 * none. */
#ifndef PAUSES_H
#define PAUSES_H

#include "racer.h"

/* How long a driver pauses on a leg, who was so long at the wheel before it and after it. */
static inline double pause_on_leg(const Problem *p, int64_t kind, double before, double after) {
    (void)p, (void)kind, (void)before, (void)after;
    return 0.0;
}

#endif
