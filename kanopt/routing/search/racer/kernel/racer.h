/* What the racer knows of a routing problem, and how a leg is timed and priced.
 *
 * Nodes are depots, then clients. Arcs are numbered tail * nodes + head, and everything about one arc lies in a row,
 * so that it is fetched from memory at once (rows begin with a line of the cache): its price, its travel time, what
 * laws look up. There are such rows for each vehicle type, or once for all where the stride between types is 0.
 * Everything is in the problem's units. Arrays belong to the caller and are not written.
 */
#ifndef RACER_H
#define RACER_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "../../../../engines/compiled/export.h"

/* A step of a law; its value is kept under its own number, and read by later steps as `a` and `b`. Units are
 * converted by multiplying with c and then dividing by d, as everywhere. */
typedef struct {
    int32_t code, a, b, spare;
    double c, d;
} Op;

enum {
    OP_CONSTANT, /* c */
    OP_ARC,      /* number a in the row of the arc */
    OP_LOAD,     /* load * c / d */
    OP_CLOCK,    /* time of the day: (clock * c / d) mod a */
    OP_DURATION, /* travel time * c / d */
    OP_LATE,     /* lateness * c / d */
    OP_CONVERT,  /* a * c / d */
    OP_ADD,
    OP_MULTIPLY,
    OP_ADD_ARC,      /* a plus number b in the row of the arc */
    OP_MULTIPLY_ARC, /* a times it */
    OP_MAXIMUM,
    OP_MINIMUM,
    OP_POWER,  /* a to the power of b */
    OP_CURVE,  /* cubic spline number b at a */
    OP_STAIRS, /* step function number b at a */
    OP_EXP,
    OP_LOG,
    OP_LOG1P,
    OP_SQRT,
    OP_SQUARE,
    OP_SIN,
    OP_COS,
    OP_TANH,
    OP_ATAN,
    OP_LOGISTIC,
    OP_SOFTPLUS,
    OP_ABS,
    OP_RELU
};

/* A cubic spline on equal spans; straight beyond its ends, or repeated. */
typedef struct {
    double low, high, width, slope_low, slope_high;
    int64_t spans, periodic;
    const double *powers; /* t^0 .. t^3 of span i at powers[4 * i], t from 0 to 1 */
} Curve;

/* values[k] from breakpoints[k - 1], inclusive, to breakpoints[k]. */
typedef struct {
    int64_t count;
    const double *breakpoints, *values;
} Stairs;

/* A law: the value of its last step, at least 0. */
typedef struct {
    int64_t count;
    const Op *ops;
} Law;

/* Places in the row of an arc; what laws look up comes after. */
enum {
    ARC_PRICE,         /* what no plan changes, infinite where no road leads */
    ARC_DISTANCE,      /* 0 where it is not known */
    ARC_MINUTES,       /* travel time, where it is a number */
    ARC_GUESS,         /* a price that ranks places before they are driven */
    ARC_GUESS_MINUTES, /* and a travel time */
    ARC_LAWS
};

typedef struct {
    int64_t nodes, depots, kinds, measures, windows, laws, slots;
    int64_t has_sources, has_pickups, backhaul, reads_clock, reads_load, simple_windows;

    /* by node; of measures and windows one row each */
    const double *demand, *pickup, *opens, *closes;
    const double *latest; /* last closing */
    const double *due;    /* last closing where service must not be late, else infinite */
    const double *due_by; /* the same with half the tolerance of a check */
    const double *late_rate, *prize;
    const int32_t *source, *mandatory;
    const double *release,
        *release_from; /* when goods are ready, and half the tolerance before; NULL where all are */

    /* by vehicle type; limits with half the tolerance of a check, of capacities one row for each measure */
    const double *capacity, *fixed, *per_time, *overtime, *regular_time;
    const double *start, *start_from, *end, *longest, *farthest;
    const int32_t *home, *last; /* depots where routes start, and where they end */
    const int32_t *reloads, *returns;
    const double *service;  /* of each vehicle type at each node; at planning values where a law reads the plan */
    const int32_t *allowed; /* of each vehicle type at each node */
    const int32_t *break_start;
    const double *break_length, *break_earliest, *break_latest;
    const double *rule_numbers; /* what rules ask for by vehicle type, in the order of the referee's rules */
    int64_t rule_width;

    /* by arc */
    const double *arcs;
    int64_t arc_width, arc_stride;
    const uint8_t *apart; /* which nodes may not be on one route; NULL for none */

    /* travel time: numbers of arcs, or arrival functions, or a law */
    int64_t fixed_minutes;
    const int32_t *arrival; /* number of the function of each arc, -1 for none; NULL where there are no functions */
    const int64_t *arrival_start;
    const double *arrival_leave, *arrival_arrive;
    double arrival_noise;
    const Law *duration; /* NULL where it is no law of load or clock */

    const Law *cost; /* the cost laws that a plan moves */
    const Curve *curves;
    const Stairs *stairs;

    /* service at clients where a law reads load or clock, else NULL; each vehicle type has a row for each node */
    const Law *stop;
    const double *stop_rows;
    int64_t stop_width, stop_reads_clock;

    /* breaks: how many ways of having taken so many are followed from leg to leg, and whether a later one may still
     * be the cheapest though it is dearer so far */
    int64_t break_ways, break_by_clock;

    /* what the search needs besides */
    const int32_t *slot_kind; /* vehicle type of each vehicle */
    const int32_t *pinned;    /* vehicle that serves a node, -1 for any */
    const int32_t *reserved;  /* whether a vehicle has clients pinned to it */
    const int32_t *unit_of;   /* clients that are served together, sources first: number of each node's unit, */
    const int32_t *unit_start, *unit_nodes; /* and the members of each */
    const int32_t *near;                    /* neighbours of each node, the nearest first; `near_count` each */
    int64_t near_count;
    double longest_rate, missed;

    /* vehicles under way, and what is past; bound is NULL where there is neither */
    const int32_t *bound;                   /* vehicle on which each node stays, -1 for any */
    const int32_t *loaded;                  /* whether a node receives anything that is loaded at the depot */
    const int32_t *kept_start, *kept_stops; /* the first stops of each vehicle, which stay as they are */
    const int32_t *under_way;
    const double *has_left;                 /* when each vehicle has left, NaN where that is not known */
    const double *leaves_from, *left_limit; /* when it may leave, and half the tolerance before */
    double not_before;                      /* when trips begin that are not under way */

    double horizon; /* the latest departure looked at where nothing else ends a day */
} Problem;

/* Whether a vehicle is under way: on the trip of the stops it keeps; behind them on its way to its depot, where it
 * may load again; or to its end, and nothing follows. */
enum { NOT_LEFT, ON_TRIP, GOES_HOME, GOES_TO_END };

/* A leg of a route that is to be driven. */
typedef struct {
    int32_t head, arc;
    double load, stay; /* how long service at the head takes, but see leg_stay() */
    double ready;      /* service at the head begins no earlier: its goods, and its window where there is one */
} Leg;

static inline double larger(double a, double b) { return a > b || a != a ? a : b; }
static inline double smaller(double a, double b) { return a < b || a != a ? a : b; }

/* How many of its first stops a vehicle keeps. */
static inline int64_t kept_stops(const Problem *p, int64_t slot) {
    return p->bound ? p->kept_start[slot + 1] - p->kept_start[slot] : 0;
}

static inline const double *arc_row(const Problem *p, int64_t kind, int64_t arc) {
    return p->arcs + kind * p->arc_stride + arc * p->arc_width;
}

double law_value(const Problem *p, const Law *law, const double *row, double load, double clock, double spent,
                 double late);
double arrival_time(const Problem *p, int64_t function, double clock);

/* How long a leg takes when it begins at a clock time; infinite where no road leads. */
static inline double leg_duration(const Problem *p, int64_t kind, const Leg *leg, double clock) {
    const double *row = arc_row(p, kind, leg->arc);
    if (p->fixed_minutes) return row[ARC_MINUTES];
    if (!isfinite(row[ARC_PRICE])) return INFINITY;
    if (p->duration) return law_value(p, p->duration, row, leg->load, clock, 0.0, 0.0);
    int64_t function = p->arrival[leg->arc];
    if (function < 0) return INFINITY;
    return larger(arrival_time(p, function, clock) - clock, 0.0);
}

/* What a leg costs, lateness at its head included. */
static inline double leg_price(const Problem *p, int64_t kind, const Leg *leg, double clock, double spent,
                               double late) {
    const double *row = arc_row(p, kind, leg->arc);
    double price = row[ARC_PRICE] + p->late_rate[leg->head] * late;
    for (int64_t law = 0; law < p->laws; law++)
        price += law_value(p, &p->cost[law], row, leg->load, clock, spent, late);
    return price;
}

/* When service at a node begins for one who arrives at a time. */
static inline double service_begin(const Problem *p, int64_t node, double arrive) {
    const double slack = 1e-7; /* that of the referee, routing/simulate/legs.py */
    if (p->windows == 1) return larger(arrive, p->opens[node]);
    double begin = INFINITY;
    for (int64_t row = 0; row < p->windows; row++)
        if (arrive <= p->closes[row * p->nodes + node] + slack)
            begin = smaller(begin, larger(arrive, p->opens[row * p->nodes + node]));
    return isfinite(begin) ? begin : arrive;
}

/* When service at the head of a leg begins for one who arrives at a time. */
static inline double leg_begin(const Problem *p, const Leg *leg, double arrive) {
    double from = larger(arrive, leg->ready);
    return p->windows == 1 ? from : service_begin(p, leg->head, from);
}

/* How long service at a client takes by a law of load or clock. */
static inline double stop_value(const Problem *p, int64_t kind, const Leg *leg, double begin) {
    const double *row = p->stop_rows + (kind * p->nodes + leg->head) * p->stop_width;
    return law_value(p, p->stop, row, leg->load, begin, 0.0, 0.0);
}

/* How long service at the head of a leg takes when it begins at a clock time. */
static inline double leg_stay(const Problem *p, int64_t kind, const Leg *leg, double begin) {
    return p->stop_reads_clock && leg->head >= p->depots ? stop_value(p, kind, leg, begin) : leg->stay;
}

#endif
