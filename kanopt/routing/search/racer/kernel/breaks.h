/* Breaks of drivers. */
#ifndef BREAKS_H
#define BREAKS_H

#include "drive.h"

#define BREAK_SLACK 1e-7 /* that of the referee, routing/simulate/drive.py */

typedef struct {
    double length, earliest, latest;
} Break;

/* Clock and lateness of a driver, and what the way there cost. */
typedef struct {
    double clock, late, price;
    int broken;
} State;

static inline Break break_of(const Problem *p, int64_t kind, int64_t number) {
    int64_t at = p->break_start[kind] + number;
    Break found = {p->break_length[at], p->break_earliest[at], p->break_latest[at]};
    return found;
}

static inline double lateness(const Problem *p, int64_t head, double begin) {
    double over = begin - p->latest[head];
    return over > 0.0 ? over : 0.0;
}

int64_t breaks_over_by(const Problem *p, int64_t kind, int64_t breaks, double departure);
State place_breaks(const Problem *p, const Layout *layout, double departure, int64_t ways, int64_t *missed);

#endif
