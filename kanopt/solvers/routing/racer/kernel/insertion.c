/* Putting units back: places are ranked by guesses of price and time, and the best of them are driven.
 *
 * One unit after the other goes where it costs least, in an order that is drawn, and now and then a place is not seen
 * (greedy insertion with blinks, Christiaens and Vanden Berghe 2020). */
#include <string.h>

#include "search.h"

enum { DRIVEN = 5 };      /* places driven for a unit */
enum { MOST_WAYS = 500 }; /* of putting in the further members of a unit, all of which are driven */
static const double BLINK = 0.01;
static const double RELOAD = 0.05;  /* how often a reload is thought of where none is needed */
static const double TRUST = 0.5;    /* share of a guessed price below which the true one is not looked for */
static const double UNLIKELY = 1e6; /* a place where somebody would be late ranks after all others, by how late */

/* How a client is put in: by itself, or with a visit of the depot before or after it. */
enum { ALONE, AFTER_RELOAD, BEFORE_RELOAD };

typedef struct {
    double rank, longer; /* what it may cost, and by how much the route may take longer */
    int64_t slot, place, way;
} Place;

typedef struct {
    Place places[DRIVEN];
    int64_t count;
} Places;

typedef struct {
    double more; /* what the plan costs more */
    int64_t slot, count;
    Score score;
} Found;

static void add_place(Places *found, Place place) {
    int64_t i = found->count;
    if (i == DRIVEN && place.rank >= found->places[i - 1].rank) return;
    for (int64_t k = 0; k < found->count; k++) {
        const Place *known = &found->places[k];
        if (known->slot == place.slot && known->place == place.place && known->way == place.way) return;
    }
    if (i == DRIVEN) i--;
    else found->count++;
    for (; i > 0 && found->places[i - 1].rank > place.rank; i--) found->places[i] = found->places[i - 1];
    found->places[i] = place;
}

static int32_t stop_at(const Problem *p, int64_t kind, const Route *route, int64_t place) {
    return place < 0 ? p->home[kind] : place < route->count ? route->stops[place] : p->last[kind];
}

static const double *row_of(const Problem *p, int64_t kind, int32_t tail, int32_t head) {
    return arc_row(p, kind, (int64_t)tail * p->nodes + head);
}

/* Demand on the trip that has a place, where all is delivered from the depot. */
static double trip_demand(const Problem *p, const Route *route, int64_t place, const double *carried) {
    double sum = 0.0;
    for (int64_t i = place; i-- > 0 && route->stops[i] >= p->depots;) sum += carried[route->stops[i]];
    for (int64_t i = place; i < route->count && route->stops[i] >= p->depots; i++) sum += carried[route->stops[i]];
    return sum;
}

static int fits_load(const Problem *p, int64_t kind, const Route *route, int64_t place, int32_t node) {
    if (p->has_sources) return 1;
    for (int64_t measure = p->has_pickups; measure < p->measures; measure++) {
        const double *carried = p->demand + measure * p->nodes;
        if (trip_demand(p, route, place, carried) + carried[node] > p->capacity[measure * p->kinds + kind]) return 0;
    }
    return 1;
}

/* By how much a trip begins later with a client whose goods are not ready before. */
static double held_up(const Problem *p, const Route *route, int64_t at, int32_t node) {
    if (!p->release || p->source[node] >= 0) return 0.0;
    while (at > 0 && route->stops[at - 1] >= p->depots) at--;
    return larger(p->release[node] - route->leave[at], 0.0);
}

/* Whether a client may be put before a stop of a vehicle under way, on the trip that it is on or a later one. */
static int fits_trip(const Problem *p, int64_t slot, const Route *route, int64_t at, int32_t node) {
    int on_trip = p->under_way[slot] != NOT_LEFT;
    for (int64_t i = kept_stops(p, slot); i < at; i++)
        if (route->stops[i] < p->depots) on_trip = 0;
    if (!on_trip) return p->bound[node] < 0;
    return p->under_way[slot] == ON_TRIP && (p->bound[node] == slot || !p->loaded[node]);
}

/* Rank putting a client before the stop at a place of a route. */
static void rank_place(Search *s, int32_t node, int64_t slot, int64_t at, int64_t way, Places *found) {
    const Problem *p = s->p;
    int64_t kind = p->slot_kind[slot];
    const Route *route = &s->now.routes[slot];
    int32_t home = p->home[kind];
    int32_t tail = stop_at(p, kind, route, at - 1), head = stop_at(p, kind, route, at);
    int open = at == route->count && !p->returns[kind];
    if (at < kept_stops(p, slot)) return;
    if ((way == AFTER_RELOAD && tail < p->depots) || (way == BEFORE_RELOAD && (head < p->depots || open))) return;
    /* tail, perhaps the depot, the client, perhaps the depot, head */
    double price = 0.0, reach = 0.0, rest = p->service[kind * p->nodes + node],
           reload = p->service[kind * p->nodes + home];
    int32_t from = tail, to = way == BEFORE_RELOAD ? home : head;
    if (way == AFTER_RELOAD) {
        const double *back = row_of(p, kind, tail, home);
        price += back[ARC_GUESS];
        reach += back[ARC_GUESS_MINUTES] + reload;
        from = home;
    }
    const double *there = row_of(p, kind, from, node);
    price += there[ARC_GUESS];
    reach += there[ARC_GUESS_MINUTES];
    double spared = 0.0;
    if (!open) {
        const double *on = row_of(p, kind, node, to);
        price += on[ARC_GUESS];
        rest += on[ARC_GUESS_MINUTES];
        if (way == BEFORE_RELOAD) {
            const double *again = row_of(p, kind, home, head);
            price += again[ARC_GUESS];
            rest += again[ARC_GUESS_MINUTES] + reload;
        }
        if (route->count) {
            const double *past = row_of(p, kind, tail, head);
            price -= past[ARC_GUESS];
            spared = past[ARC_GUESS_MINUTES];
        }
    }
    if (!isfinite(price)) return;
    Place place = {price + (route->count ? 0.0 : p->fixed[kind]), reach + rest - spared, slot, at, way};
    if (route->count) {
        double leave = route->leave[at] + (way == AFTER_RELOAD ? 0.0 : held_up(p, route, at, node));
        double begin = service_begin(p, node, leave + reach), late = 0.0;
        if (begin > p->due_by[node]) late += begin - p->due_by[node];
        if (!open && begin + rest > route->due[at]) late += begin + rest - route->due[at];
        late -= route->departure - route->earliest; /* it may leave earlier */
        if (late > 0.0) place.rank += UNLIKELY * (1.0 + late);
    }
    if (random_share(&s->random) >= BLINK) add_place(found, place);
}

static int may_serve(const Problem *p, int64_t slot, int32_t node) {
    int64_t kind = p->slot_kind[slot];
    if (p->bound && (p->under_way[slot] == GOES_TO_END || (p->bound[node] >= 0 && p->bound[node] != slot))) return 0;
    return p->allowed[kind * p->nodes + node] && (p->pinned[node] < 0 || p->pinned[node] == slot);
}

static int64_t reloads_of(const Problem *p, const Route *route) {
    int64_t reloads = 0;
    for (int64_t i = 0; i < route->count; i++) reloads += route->stops[i] < p->depots;
    return reloads;
}

static void rank_ways(Search *s, int32_t node, int64_t slot, int64_t at, Places *found) {
    const Problem *p = s->p;
    int64_t kind = p->slot_kind[slot];
    const Route *route = &s->now.routes[slot];
    int fits = fits_load(p, kind, route, at, node);
    if (p->bound && !fits_trip(p, slot, route, at, node)) fits = 0;
    if (fits) rank_place(s, node, slot, at, ALONE, found);
    if (p->bound && p->bound[node] >= 0) return;
    /* where the load fits a reload may still pay, if seldom */
    if (p->reloads[kind] && (!fits || random_share(&s->random) < RELOAD) && route->count &&
        reloads_of(p, route) < p->reloads[kind]) {
        rank_place(s, node, slot, at, AFTER_RELOAD, found);
        rank_place(s, node, slot, at, BEFORE_RELOAD, found);
    }
}

/* Have the arcs from and to a client's neighbours on their way from memory before they are looked at. */
static void fetch_arcs(Search *s, int32_t node) {
#if defined(__GNUC__)
    const Problem *p = s->p;
    for (int64_t k = 0; k < p->near_count; k++) {
        int32_t near = p->near[node * p->near_count + k], slot = s->now.slot_of[near];
        if (slot < 0) continue;
        __builtin_prefetch(row_of(p, p->slot_kind[slot], near, node));
        __builtin_prefetch(row_of(p, p->slot_kind[slot], node, near));
    }
#else
    (void)s, (void)node;
#endif
}

/* Rank the places beside a client's neighbours, at the ends of the route of the nearest, and in empty vehicles. */
static void rank_places(Search *s, int32_t node, Places *found) {
    const Problem *p = s->p;
    found->count = 0;
    s->legs += 1 + (2 * p->near_count + p->slots) / LOOKS_PER_LEG;
    fetch_arcs(s, node);
    for (int64_t k = 0; k < p->near_count; k++) {
        int32_t near = p->near[node * p->near_count + k];
        int64_t slot = s->now.slot_of[near];
        if (slot < 0 || !may_serve(p, slot, node)) continue;
        int64_t at = s->now.place_of[near];
        rank_ways(s, node, slot, at, found);
        rank_ways(s, node, slot, at + 1, found);
    }
    for (int64_t slot = 0; p->bound && slot < p->slots; slot++) {
        /* who is on board may go nowhere else, and a vehicle under way may be far from its neighbours */
        int64_t count = s->now.routes[slot].count;
        if (!count || p->under_way[slot] == NOT_LEFT || !may_serve(p, slot, node)) continue;
        for (int64_t at = p->bound[node] == slot ? kept_stops(p, slot) : count; at <= count; at++)
            rank_ways(s, node, slot, at, found);
    }
    for (int64_t slot = 0, kind = -1; slot < p->slots; slot++) {
        /* vehicles of a type are the same, but for those to whom clients are pinned */
        if (s->now.routes[slot].count || !may_serve(p, slot, node)) continue;
        if (p->slot_kind[slot] == kind && p->pinned[node] < 0 && !p->reserved[slot]) continue;
        if (!p->reserved[slot]) kind = p->slot_kind[slot];
        rank_place(s, node, slot, 0, ALONE, found);
    }
}

/* Write the stops of a route with a client put in; return how many there are. */
static int64_t with_node(const Problem *p, int64_t kind, const int32_t *stops, int64_t count, int64_t at, int64_t way,
                         int32_t node, int32_t *out) {
    int64_t n = 0;
    for (int64_t i = 0; i <= count; i++) {
        if (i == at) {
            if (way == AFTER_RELOAD) out[n++] = p->home[kind];
            out[n++] = node;
            if (way == BEFORE_RELOAD) out[n++] = p->home[kind];
        }
        if (i < count) out[n++] = stops[i];
    }
    return n;
}

static double longer_price(const Search *s, double longest, Score score) {
    double rate = s->p->longest_rate;
    return rate ? rate * larger(score.finish - score.departure - longest, 0.0) : 0.0;
}

/* The place from one on, up to the end of its trip, where a client seems to cost least; chance makes a difference. */
static int64_t likely_place(Search *s, int64_t kind, const int32_t *stops, int64_t count, int64_t at, int64_t end,
                            int32_t node) {
    const Problem *p = s->p;
    double least = INFINITY;
    int64_t likely = at;
    for (; at <= end; at++) {
        int32_t tail = stops[at - 1], head = at < count ? stops[at] : p->last[kind];
        double more = row_of(p, kind, tail, node)[ARC_GUESS];
        if (at < count || p->returns[kind])
            more += row_of(p, kind, node, head)[ARC_GUESS] - row_of(p, kind, tail, head)[ARC_GUESS];
        more *= 1.0 + random_share(&s->random);
        if (!(more < least)) continue;
        least = more;
        likely = at;
    }
    return likely;
}

/* Drive a route with the first members of a unit put in; further members go after their source on its trip, each to
 * the best place, or to a likely one where there are too many ways to put in those that are left. */
static void drive_unit(Search *s, int32_t unit, const Place *place, int32_t *stops, int64_t count, int32_t member,
                       double longest, Found *best, int32_t *best_stops) {
    const Problem *p = s->p;
    const Route *route = &s->now.routes[place->slot];
    int64_t kind = p->slot_kind[place->slot];
    double known = route->count ? route->price : 0.0;
    if (member == p->unit_start[unit + 1]) {
        lay_stops(s, place->slot, stops, count);
        double start = route->count ? route->departure : p->start[kind];
        Score score =
            settle(s, &s->layout, start, larger(place->longer, 0.0), known + best->more, route->count ? QUICK : FULL);
        if (!(score.price < INFINITY)) return;
        double more = score.price - known + longer_price(s, longest, score);
        if (!(more < best->more)) return;
        *best = (Found){more, place->slot, count, score};
        memcpy(best_stops, stops, (size_t)count * sizeof *stops);
        return;
    }
    int32_t node = p->unit_nodes[member];
    int64_t at = 0;
    while (stops[at] != p->source[node]) at++;
    if (!may_serve(p, place->slot, node)) return;
    int64_t first = at + 1, end = first;
    while (end < count && stops[end] >= p->depots) end++;
    double ways = 1.0;
    for (int32_t k = member; k < p->unit_start[unit + 1]; k++) ways *= (double)(end - first + 1 + k - member);
    if (ways > MOST_WAYS) first = end = likely_place(s, kind, stops, count, first, end, node);
    int32_t *longer = stops + s->most_stops;
    for (at = first; at <= end; at++) {
        with_node(p, kind, stops, count, at, ALONE, node, longer);
        drive_unit(s, unit, place, longer, count + 1, member + 1, longest, best, best_stops);
    }
}

static double longest_route(const Search *s) {
    double longest = 0.0;
    if (s->p->longest_rate)
        for (int64_t slot = 0; slot < s->p->slots; slot++) {
            const Route *route = &s->now.routes[slot];
            if (route->count) longest = larger(longest, route->finish - route->departure);
        }
    return longest;
}

/* Put a unit where it costs least, if it costs less than to leave it out. */
static void insert_unit(Search *s, int32_t unit) {
    const Problem *p = s->p;
    int32_t first = p->unit_start[unit], node = p->unit_nodes[first];
    Places found;
    Found best = {unit_worth(p, unit), -1, 0, {INFINITY, 0.0, 0.0, 0}};
    double longest = longest_route(s);
    rank_places(s, node, &found);
    for (int64_t i = 0; i < found.count; i++) {
        const Place *place = &found.places[i];
        const Route *route = &s->now.routes[place->slot];
        int64_t kind = p->slot_kind[place->slot];
        if (best.slot >= 0 && TRUST * place->rank > best.more) break;
        int64_t count = with_node(p, kind, route->stops, route->count, place->place, place->way, node, s->stops);
        drive_unit(s, unit, place, s->stops, count, first + 1, longest, &best, s->other);
    }
    if (best.slot < 0) return;
    /* the route laid out last may be another one */
    lay_stops(s, best.slot, s->other, best.count);
    Score score = settle(s, &s->layout, best.score.departure, 0.0, INFINITY, SHIFT);
    if (!(score.price < INFINITY)) return;
    put_route(s, best.slot, s->other, best.count, score);
    take_in(s, unit);
}

/* What decides the order of units: chance, demand, far and near, narrow windows. */
static double order_key(Search *s, int32_t unit, int64_t by) {
    const Problem *p = s->p;
    int32_t node = p->unit_nodes[p->unit_start[unit]];
    double far = row_of(p, 0, p->home[0], node)[ARC_GUESS];
    switch (by) {
    case 0: return -(p->demand[node] + p->pickup[node]);
    case 1: return -far;
    case 2: return far;
    case 3: return isfinite(p->latest[node]) ? p->latest[node] - p->opens[node] : 1e300;
    default: return random_share(&s->random);
    }
}

/* Put back all units that are left out, as far as there are places. */
void insert_units(Search *s) {
    static const double share[4] = {0.25, 0.4, 0.5, 0.65};
    double drawn = random_share(&s->random);
    int64_t by = 0, count = s->now.left_count;
    while (by < 4 && drawn >= share[by]) by++;
    for (int64_t i = 0; i < count; i++) {
        /* insertion sort by key; ties keep their order, so that a seed gives one order */
        int32_t unit = s->now.left[i];
        double key = order_key(s, unit, by);
        int64_t k = i;
        for (; k > 0 && s->keys[k - 1] > key; k--) {
            s->order[k] = s->order[k - 1];
            s->keys[k] = s->keys[k - 1];
        }
        s->order[k] = unit;
        s->keys[k] = key;
    }
    for (int64_t i = 0; i < count; i++) insert_unit(s, s->order[i]);
}
