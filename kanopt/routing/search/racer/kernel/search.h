/* Large neighbourhood search: a plan, what it was before a step, and the best one met. */
#ifndef SEARCH_H
#define SEARCH_H

#include "../../../../engines/compiled/random.h"
#include "drive.h"

/* A vehicle's stops, and how they are driven. `leave` and `due` have count + 2 numbers: when each stop is left, the
 * depot first, and by when service at the next stop must begin so that nobody after it is late, if legs take as long
 * as they do now. They say where a client may fit; whether it does is driven. */
typedef struct {
    int32_t *stops;
    double *leave, *due;
    int64_t count, room;
    double price, departure, finish, earliest; /* departure: as it is, and at the earliest */
} Route;

typedef struct {
    Route *routes;     /* by vehicle */
    int32_t *slot_of;  /* vehicle of each client, -1 where it has none */
    int32_t *place_of; /* and its place among the stops */
    int32_t *left;     /* units that are not served, in any order */
    int32_t *left_at;  /* place of each unit among them, -1 where it is served */
    int64_t left_count;
    double price;   /* with what is missed and the longest route */
    int64_t missed; /* clients left out that must be served */
} Plan;

/* How a client is put in: by itself, or with a visit of the depot before or after it. */
enum { ALONE, AFTER_RELOAD, BEFORE_RELOAD };

/* A place of a client on a route, or of the first member of a unit. */
typedef struct {
    double rank, longer; /* what it may cost, and by how much the route may take longer */
    int64_t slot, place, way;
} Place;

typedef struct {
    const Problem *p;
    Plan now, best;
    Route *saved; /* routes as they were before the step, by vehicle */
    int32_t *touched, *is_touched, *left_before;
    int64_t touched_count, left_before_count, units;
    double price_before;
    int64_t missed_before;
    uint64_t random;
    int64_t steps, accepted, improved, legs; /* the work done: legs driven, and what is looked at besides */
    double close;                            /* how near the best departure is looked for */
    Layout layout;
    Times times;
    int32_t *stops, *other, *order, *taken, *is_seen;
    double *keys, *rest;
    Place *places; /* where a unit may be put in */
    int64_t place_count, place_room;
    int64_t wide_looks; /* how many units of a step are tried on every route where nothing fits near them */
    int64_t most_stops;   /* of a route */
    int64_t exact_breaks; /* breaks are placed by drive() while departures are ranked, too */
    int64_t failed;       /* memory did not suffice */
    void *owned[32];      /* what is freed with the search */
    int64_t owned_count;
} Search;

enum { LOOKS_PER_LEG = 8 }; /* places ranked in the time in which a leg is driven */

/* departures.c */
enum { QUICK, SHIFT, NEAR, FULL };
Score settle(Search *s, Layout *layout, double departure, double step, double most, int effort);

/* plan.c */
void touch(Search *s, int64_t slot);
void put_route(Search *s, int64_t slot, const int32_t *stops, int64_t count, Score score);
void lay_stops(Search *s, int64_t slot, const int32_t *stops, int64_t count);
int64_t without_idle_reloads(const Problem *p, int32_t *stops, int64_t count);
void leave_out(Search *s, int32_t unit);
void take_in(Search *s, int32_t unit);
double plan_price(Search *s, int64_t *missed);
double unit_worth(const Problem *p, int32_t unit);
void undo_step(Search *s);
void keep_best(Search *s);
void return_to_best(Search *s);

static inline const double *row_of(const Problem *p, int64_t kind, int32_t tail, int32_t head) {
    return arc_row(p, kind, (int64_t)tail * p->nodes + head);
}

/* places.c */
int may_serve(const Problem *p, int64_t slot, int32_t node);
double detour(const Problem *p, int64_t kind, const int32_t *stops, int64_t count, int32_t tail, int64_t at,
              int32_t node);
void rank_places(Search *s, int32_t unit, int everywhere);
Place take_first(Search *s);

/* removal.c, insertion.c, moves.c: what a step does; moves say whether they were made, for less than `most` more */
void remove_units(Search *s, int64_t count);
void insert_units(Search *s);
int exchange_tails(Search *s, double most);
int reorder_stops(Search *s, double most);
int exchange_vehicles(Search *s, double most);

#endif
