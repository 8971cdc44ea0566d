/* Putting units back: places are ranked by guesses of price and time, and the best of them are driven.
 *
 * One unit after the other goes where it costs least, in an order that is drawn, and now and then a place is not seen
 * (greedy insertion with blinks, Christiaens and Vanden Berghe 2020). Places on which the stops alone break a rule,
 * such as goods kept apart or a delivery behind a pickup, cost next to nothing to find out, and the next best one is
 * driven in their stead. */
#include <string.h>

#include "search.h"

enum { DRIVEN = 5 };      /* places driven for a unit */
enum { MOST_WAYS = 500 }; /* of putting in the further members of a unit, all of which are driven */
static const double TRUST = 0.5; /* share of a guessed price below which the true one is not looked for */

typedef struct {
    double more; /* what the plan costs more */
    int64_t slot, count;
    Score score;
} Found;

static int is_same(const Place *one, const Place *other) {
    return one->slot == other->slot && one->place == other->place && one->way == other->way;
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

/* The place from one on, up to the end of its trip, where a client seems to cost least; chance makes a difference of
 * up to so much. */
static int64_t likely_place(Search *s, int64_t kind, const int32_t *stops, int64_t count, int64_t at, int64_t end,
                            int32_t node, double chance) {
    double least = INFINITY;
    int64_t likely = at;
    for (; at <= end; at++) {
        double more = detour(s->p, kind, stops, count, stops[at - 1], at, node);
        if (chance > 0.0) more *= 1.0 + chance * random_share(&s->random);
        if (!(more < least)) continue;
        least = more;
        likely = at;
    }
    return likely;
}

/* Drive a route with the first members of a unit put in; further members go after their source on its trip, each to
 * the best place, or to a likely one where there are too many ways to put in those that are left. Return whether the
 * stops break no rule in any of the ways. */
static int drive_unit(Search *s, int32_t unit, const Place *place, int32_t *stops, int64_t count, int32_t member,
                      double longest, Found *best, int32_t *best_stops) {
    const Problem *p = s->p;
    const Route *route = &s->now.routes[place->slot];
    int64_t kind = p->slot_kind[place->slot];
    double known = route->count ? route->price : 0.0;
    if (member == p->unit_start[unit + 1]) {
        lay_stops(s, place->slot, stops, count);
        s->legs += 1 + count / LOOKS_PER_LEG;
        if (s->layout.broken) return 0;
        double start = route->count ? route->departure : p->start[kind];
        Score score =
            settle(s, &s->layout, start, larger(place->longer, 0.0), known + best->more, route->count ? QUICK : FULL);
        if (!(score.price < INFINITY)) return 1;
        double more = score.price - known + longer_price(s, longest, score);
        if (!(more < best->more)) return 1;
        *best = (Found){more, place->slot, count, score};
        memcpy(best_stops, stops, (size_t)count * sizeof *stops);
        return 1;
    }
    int32_t node = p->unit_nodes[member];
    int64_t at = 0, possible = 0;
    while (stops[at] != p->source[node]) at++;
    if (!may_serve(p, place->slot, node)) return 0;
    int64_t first = at + 1, end = first;
    while (end < count && stops[end] >= p->depots) end++;
    double ways = 1.0;
    for (int32_t k = member; k < p->unit_start[unit + 1]; k++) ways *= (double)(end - first + 1 + k - member);
    int many = ways > MOST_WAYS;
    int64_t likely = likely_place(s, kind, stops, count, first, end, node, many ? 1.0 : 0.0);
    double least = detour(p, kind, stops, count, stops[likely - 1], likely, node);
    if (many) first = end = likely;
    int32_t *longer = stops + s->most_stops;
    /* the likely place first, so that others need not be driven */
    for (int64_t i = first - 1; i <= end; i++) {
        at = i < first ? likely : i;
        if (i == likely) continue;
        double more = detour(p, kind, stops, count, stops[at - 1], at, node) - least;
        if (best->slot >= 0 && TRUST * (place->rank + more) > best->more) continue;
        with_node(p, kind, stops, count, at, ALONE, node, longer);
        possible |= drive_unit(s, unit, place, longer, count + 1, member + 1, longest, best, best_stops);
    }
    return possible != 0;
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

/* Drive the places that rank first, and find where a unit costs least. */
static void drive_places(Search *s, int32_t unit, double longest, Found *best) {
    const Problem *p = s->p;
    int32_t first = p->unit_start[unit];
    Place before = {0.0, 0.0, -1, 0, 0};
    for (int64_t driven = 0; driven < DRIVEN && s->place_count;) {
        Place place = take_first(s);
        if (is_same(&place, &before)) continue;
        before = place;
        const Route *route = &s->now.routes[place.slot];
        int64_t kind = p->slot_kind[place.slot];
        if (best->slot >= 0 && TRUST * place.rank > best->more) break;
        int64_t count = with_node(p, kind, route->stops, route->count, place.place, place.way, p->unit_nodes[first],
                                  s->stops);
        driven += drive_unit(s, unit, &place, s->stops, count, first + 1, longest, best, s->other);
    }
}

static int is_mandatory(const Problem *p, int32_t unit) {
    int32_t found = 0;
    for (int32_t k = p->unit_start[unit]; k < p->unit_start[unit + 1]; k++) found |= p->mandatory[p->unit_nodes[k]];
    return found != 0;
}

/* Put a unit where it costs least, if it costs less than to leave it out. */
static void insert_unit(Search *s, int32_t unit) {
    Found best = {unit_worth(s->p, unit), -1, 0, {INFINITY, 0.0, 0.0, 0}};
    double longest = longest_route(s);
    rank_places(s, unit, 0);
    drive_places(s, unit, longest, &best);
    if (best.slot < 0 && s->wide_looks > 0 && is_mandatory(s->p, unit)) {
        s->wide_looks--;
        rank_places(s, unit, 1);
        drive_places(s, unit, longest, &best);
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
