/* The search: steps, and whether they are kept. */
#include <stdlib.h>
#include <string.h>

#include "search.h"

/* Shares of steps that are moves; in the others clients are taken out and put back. */
enum { WIDE_LOOKS = 1 }; /* units of a step that are tried on every route */
static const double TAILS = 0.15, REORDERED = 0.15, VEHICLES = 0.05;

/* Return room for so many numbers of a size, all of them 0, which is freed with the search. */
static void *room_for(Search *s, size_t count, size_t size) {
    void *room = calloc(count + 1, size);
    if (room) s->owned[s->owned_count++] = room;
    else s->failed = 1;
    return room;
}

static void make_plan(Search *s, Plan *plan) {
    size_t nodes = (size_t)s->p->nodes, units = (size_t)s->units;
    plan->routes = room_for(s, (size_t)s->p->slots, sizeof *plan->routes);
    plan->slot_of = room_for(s, nodes, sizeof *plan->slot_of);
    plan->place_of = room_for(s, nodes, sizeof *plan->place_of);
    plan->left = room_for(s, units, sizeof *plan->left);
    plan->left_at = room_for(s, units, sizeof *plan->left_at);
}

static void free_routes(const Problem *p, Route *routes) {
    for (int64_t slot = 0; routes && slot < p->slots; slot++) {
        free(routes[slot].stops);
        free(routes[slot].leave);
        free(routes[slot].due);
    }
}

EXPORT void racer_free(Search *s) {
    if (!s) return;
    free_routes(s->p, s->now.routes);
    free_routes(s->p, s->best.routes);
    free_routes(s->p, s->saved);
    free_layout(&s->layout);
    for (int64_t i = 0; i < s->owned_count; i++) free(s->owned[i]);
    free(s);
}

/* Make a search in which nobody is served; NULL where memory does not suffice. */
EXPORT Search *racer_new(const Problem *p, uint64_t seed, double close) {
    Search *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    int64_t units = 0, reloads = 0, largest = 1;
    for (int64_t node = 0; node < p->nodes; node++) units = units > p->unit_of[node] ? units : p->unit_of[node] + 1;
    for (int64_t kind = 0; kind < p->kinds; kind++) reloads = reloads > p->reloads[kind] ? reloads : p->reloads[kind];
    for (int64_t unit = 0; unit < units; unit++)
        if (p->unit_start[unit + 1] - p->unit_start[unit] > largest)
            largest = p->unit_start[unit + 1] - p->unit_start[unit];
    s->p = p;
    s->units = units;
    s->random = seed;
    s->close = close;
    s->most_stops = p->nodes + 2 * reloads + 2; /* two routes joined have the reloads of both */
    size_t stops = (size_t)s->most_stops, slots = (size_t)p->slots, every = (size_t)units;
    s->saved = room_for(s, slots, sizeof *s->saved);
    s->touched = room_for(s, slots, sizeof *s->touched);
    s->is_touched = room_for(s, slots, sizeof *s->is_touched);
    s->left_before = room_for(s, every, sizeof *s->left_before);
    s->times.leave = room_for(s, stops, sizeof(double));
    s->times.arrive = room_for(s, stops, sizeof(double));
    s->stops = room_for(s, stops * (size_t)largest, sizeof *s->stops); /* a row for each member of a unit */
    s->other = room_for(s, stops, sizeof *s->other);
    s->order = room_for(s, every, sizeof *s->order);
    s->taken = room_for(s, every, sizeof *s->taken);
    s->is_seen = room_for(s, slots, sizeof *s->is_seen);
    s->keys = room_for(s, every, sizeof *s->keys);
    s->rest = room_for(s, stops, sizeof *s->rest);
    /* each with a reload before or after it: on every route, or beside near clients and on empty routes */
    s->place_room = 3 * (p->nodes + (reloads + 2) * p->slots + 2 * p->near_count);
    s->places = room_for(s, (size_t)s->place_room, sizeof *s->places);
    make_plan(s, &s->now);
    make_plan(s, &s->best);
    if (!make_layout(p, s->most_stops, &s->layout) || s->failed) {
        racer_free(s);
        return NULL;
    }
    /* room enough for two numbers of an empty route */
    for (int64_t slot = 0; slot < p->slots; slot++) {
        Route *all[3] = {&s->now.routes[slot], &s->best.routes[slot], &s->saved[slot]};
        for (int i = 0; i < 3; i++) {
            all[i]->leave = calloc(2, sizeof(double));
            all[i]->due = calloc(2, sizeof(double));
            if (!all[i]->leave || !all[i]->due) s->failed = 1;
        }
    }
    for (int64_t node = 0; node < p->nodes; node++) s->now.slot_of[node] = -1;
    for (int64_t unit = 0; unit < units; unit++) s->now.left_at[unit] = -1;
    for (int64_t node = p->depots; node < p->nodes; node++) leave_out(s, p->unit_of[node]);
    s->now.price = plan_price(s, &s->now.missed);
    keep_best(s);
    return s;
}

static void begin_step(Search *s) {
    for (int64_t i = 0; i < s->touched_count; i++) s->is_touched[s->touched[i]] = 0;
    s->touched_count = 0;
    s->left_before_count = s->now.left_count;
    memcpy(s->left_before, s->now.left, (size_t)s->now.left_count * sizeof *s->left_before);
    s->price_before = s->now.price;
    s->missed_before = s->now.missed;
}

/* Look for better departures of the routes that the step touched. */
static void settle_touched(Search *s, int effort) {
    for (int64_t i = 0; i < s->touched_count; i++) {
        int64_t slot = s->touched[i];
        Route *route = &s->now.routes[slot];
        if (!route->count) continue;
        memcpy(s->stops, route->stops, (size_t)route->count * sizeof *s->stops);
        lay_stops(s, slot, s->stops, route->count);
        double step = (route->finish - route->departure) / 8.0;
        Score score = settle(s, &s->layout, route->departure, step, INFINITY, effort);
        if (score.price < route->price) put_route(s, slot, s->stops, route->count, score);
    }
}

static int is_better(const Plan *one, const Plan *other) {
    if (one->missed != other->missed) return one->missed < other->missed;
    return one->price < other->price - 1e-9 * (1.0 + fabs(other->price));
}

/* Try one plan near the current one; it is kept if it costs less than `most` more. */
static void step(Search *s, int64_t count, double most) {
    begin_step(s);
    s->legs += 1 + s->p->slots / LOOKS_PER_LEG; /* where no leg is driven, vehicles are looked at all the same */
    double drawn = count ? 1.0 : random_share(&s->random);
    if (drawn < TAILS + REORDERED + VEHICLES) {
        int moved = drawn < TAILS               ? exchange_tails(s, most)
                    : drawn < TAILS + REORDERED ? reorder_stops(s, most)
                                                : exchange_vehicles(s, most);
        if (!moved) return;
    } else {
        remove_units(s, count);
        s->wide_looks = WIDE_LOOKS;
        insert_units(s);
        s->now.price = plan_price(s, &s->now.missed);
        /* an arrival function has a valley at every jump, where smooth laws have a few */
        if (s->now.price < s->price_before + most) settle_touched(s, s->p->arrival ? FULL : NEAR);
    }
    s->now.price = plan_price(s, &s->now.missed);
    if (!(s->now.price < s->price_before + most)) {
        undo_step(s);
        return;
    }
    s->accepted++;
    if (is_better(&s->now, &s->best)) {
        settle_touched(s, FULL);
        s->now.price = plan_price(s, &s->now.missed);
        keep_best(s);
    }
}

/* Take steps, each accepted if it costs no more than the current plan by `heat` times the logarithm of chance, until
 * so many legs were driven; return 1 where memory did not suffice. `count` units are taken out each time, 0 for as
 * many as the search likes. */
EXPORT int racer_steps(Search *s, int64_t steps, int64_t legs, int64_t count, double heat) {
    int64_t until = s->legs + legs;
    for (int64_t i = 0; i < steps && s->legs < until && !s->failed; i++) {
        step(s, count, -heat * log(1.0 - random_share(&s->random)) + 1e-12);
        s->steps++;
    }
    return s->failed != 0;
}

/* Return how a route scores at the best departure found; its price is infinite where none keeps the rules. */
EXPORT Score racer_depart(Search *s, int64_t slot, const int32_t *stops, int64_t count) {
    lay_stops(s, slot, stops, count);
    return settle(s, &s->layout, s->layout.start, 0.0, INFINITY, FULL);
}

/* Begin with routes as far as each keeps the rules; stops that do not fit are left out. */
EXPORT int racer_begin(Search *s, int64_t routes, const int32_t *slots, const int64_t *start, const int32_t *stops,
                       const double *departure) {
    const Problem *p = s->p;
    begin_step(s);
    for (int64_t i = 0; i < routes && !s->failed; i++) {
        const int32_t *own = stops + start[i];
        int64_t count = start[i + 1] - start[i];
        lay_stops(s, slots[i], own, count);
        Score score = drive(p, &s->layout, departure[i], s->times);
        if (score.broken) score = settle(s, &s->layout, departure[i], 0.0, INFINITY, FULL);
        if (!(score.price < INFINITY)) continue;
        put_route(s, slots[i], own, count, score);
        for (int64_t k = 0; k < count; k++)
            if (own[k] >= p->depots && s->now.left_at[p->unit_of[own[k]]] >= 0) take_in(s, p->unit_of[own[k]]);
    }
    s->wide_looks = s->units;
    insert_units(s);
    settle_touched(s, FULL);
    s->now.price = plan_price(s, &s->now.missed);
    keep_best(s);
    return s->failed != 0;
}

/* Go on from the best plan. */
EXPORT void racer_return_to_best(Search *s) {
    begin_step(s);
    return_to_best(s);
}

typedef struct {
    double price, best_price;
    int64_t missed, best_missed, steps, accepted, improved, legs, best_routes, best_stops;
} Report;

EXPORT void racer_report(const Search *s, Report *report) {
    *report = (Report){s->now.price,
                       s->best.price,
                       s->now.missed,
                       s->best.missed,
                       s->steps,
                       s->accepted,
                       s->improved,
                       s->legs,
                       0,
                       0};
    for (int64_t slot = 0; slot < s->p->slots; slot++) {
        report->best_routes += s->best.routes[slot].count > 0;
        report->best_stops += s->best.routes[slot].count;
    }
}

/* Write the best plan: vehicles, where their stops begin, the stops, and departures. */
EXPORT void racer_best(const Search *s, int32_t *slots, int64_t *start, int32_t *stops, double *departure) {
    int64_t n = 0, at = 0;
    for (int64_t slot = 0; slot < s->p->slots; slot++) {
        const Route *route = &s->best.routes[slot];
        if (!route->count) continue;
        slots[n] = (int32_t)slot;
        departure[n] = route->departure;
        start[n++] = at;
        memcpy(stops + at, route->stops, (size_t)route->count * sizeof *stops);
        at += route->count;
    }
    start[n] = at;
}
