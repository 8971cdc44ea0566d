/* Routes driven forward, with every rule of the referee (routing/simulate). */
#ifndef DRIVE_H
#define DRIVE_H

#include "racer.h"

/* Rules that a route breaks; the order is that of RULES in scores.py. */
enum {
    BROKEN_SKILL = 1,
    BROKEN_GOODS = 2,
    BROKEN_PIN = 4,
    BROKEN_RELOAD = 8,
    BROKEN_BACKHAUL = 16,
    BROKEN_ORDER = 32,
    BROKEN_CAPACITY = 64,
    BROKEN_ROAD = 128,
    BROKEN_WINDOW = 256,
    BROKEN_SHIFT = 512,
    BROKEN_DISTANCE = 1024,
    BROKEN_DURATION = 2048,
    BROKEN_BREAK = 4096,
    BROKEN_RELEASE = 8192,
    BROKEN_STARTED = 16384
};

/* A route laid out for driving: what no clock changes. */
typedef struct {
    int64_t slot, kind, count; /* of legs that are driven */
    int64_t broken;
    int64_t has_left; /* whether it is known when, and that is the start */
    double distance;
    double start;    /* the earliest departure */
    double released; /* when the goods of the first trip are ready, with half the tolerance */
    Leg *legs;       /* room for stops + 1 */
    double *work;    /* room for 2 * (stops + 1) */
    /* where clients have sources: place of each node among the stops, -1 between uses, and trip of each stop */
    int32_t *place, *trip;
} Layout;

int make_layout(const Problem *p, int64_t stops, Layout *layout);
void free_layout(Layout *layout);

typedef struct {
    double price; /* with fixed cost, time and overtime; infinite where no road leads */
    double departure, finish;
    int64_t broken;
} Score;

/* When each leg of a route begins, and when its head is reached; either may be NULL. Breaks are not in them. */
typedef struct {
    double *leave, *arrive;
} Times;

void lay_out(const Problem *p, int64_t slot, const int32_t *stops, int64_t count, Layout *layout);
Score drive(const Problem *p, const Layout *layout, double departure, Times times);
Score drive_soonest(const Problem *p, const Layout *layout, double departure, Times times);
Score drive_without_breaks(const Problem *p, const Layout *layout, double departure, Times times);
double drive_price(const Problem *p, const Layout *layout, double departure, double most);

#endif
