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
static const double BLINK = 0.01;
static const double RELOAD = 0.05;  /* how often a reload is thought of where none is needed */
static const double TRUST = 0.5;    /* share of a guessed price below which the true one is not looked for */
static const double UNLIKELY = 1e6; /* a place where somebody would be late ranks after all others, by how late */

/* How a client is put in: by itself, or with a visit of the depot before or after it. */
enum { ALONE, AFTER_RELOAD, BEFORE_RELOAD };

typedef struct {
    double more; /* what the plan costs more */
    int64_t slot, count;
    Score score;
} Found;

/* Add a place to those found. */
static void add_place(Search *s, Place place) {
    if (s->place_count < s->place_room) s->places[s->place_count++] = place;
}

static int is_same(const Place *one, const Place *other) {
    return one->slot == other->slot && one->place == other->place && one->way == other->way;
}

/* Take the place that ranks first out of those found; between neighbours it was found twice. */
static Place take_first(Search *s) {
    int64_t first = 0;
    for (int64_t i = 1; i < s->place_count; i++)
        if (s->places[i].rank < s->places[first].rank) first = i;
    Place place = s->places[first];
    s->places[first] = s->places[--s->place_count];
    return place;
}

static int32_t stop_at(const Problem *p, int64_t kind, const Route *route, int64_t place) {
    return place < 0 ? p->home[kind] : place < route->count ? route->stops[place] : p->last[kind];
}

static const double *row_of(const Problem *p, int64_t kind, int32_t tail, int32_t head) {
    return arc_row(p, kind, (int64_t)tail * p->nodes + head);
}

/* What the trip that has a place carries of a measure, where all is delivered from the depot. */
static double trip_demand(const Problem *p, const Route *route, int64_t place, const double *carried) {
    double sum = 0.0;
    for (int64_t i = place; i-- > 0 && route->stops[i] >= p->depots;) sum += carried[route->stops[i]];
    for (int64_t i = place; i < route->count && route->stops[i] >= p->depots; i++) sum += carried[route->stops[i]];
    return sum;
}

/* Whether a trip with a client may fit: all that it delivers, and all that it picks up. */
static int fits_load(const Problem *p, int64_t kind, const Route *route, int64_t place, int32_t node) {
    if (p->has_sources) return 1;
    for (int64_t measure = 0; measure < p->measures; measure++) {
        const double *carried = p->demand + measure * p->nodes;
        if (trip_demand(p, route, place, carried) + carried[node] > p->capacity[measure * p->kinds + kind]) return 0;
    }
    return !p->has_pickups || trip_demand(p, route, place, p->pickup) + p->pickup[node] <= p->capacity[kind];
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

/* Rank putting a client before the stop at a place of a route; `rest_of_unit` is what those who come with it cost there. */
static void rank_place(Search *s, int32_t node, int64_t slot, int64_t at, int64_t way, double rest_of_unit) {
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
    price += rest_of_unit + (route->count ? 0.0 : p->fixed[kind]);
    if (!isfinite(price)) return;
    Place place = {price, reach + rest - spared, slot, at, way};
    if (route->count) {
        double leave = route->leave[at] + (way == AFTER_RELOAD ? 0.0 : held_up(p, route, at, node));
        double begin = service_begin(p, node, leave + reach), late = 0.0;
        if (begin > p->due_by[node]) late += begin - p->due_by[node];
        if (!open && begin + rest > route->due[at]) late += begin + rest - route->due[at];
        late -= route->departure - route->earliest; /* it may leave earlier */
        if (late > 0.0) place.rank += UNLIKELY * (1.0 + late);
    }
    if (random_share(&s->random) >= BLINK) add_place(s, place);
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

static void rank_ways(Search *s, int32_t node, int64_t slot, int64_t at, double rest_of_unit) {
    const Problem *p = s->p;
    int64_t kind = p->slot_kind[slot];
    const Route *route = &s->now.routes[slot];
    int fits = fits_load(p, kind, route, at, node);
    if (p->bound && !fits_trip(p, slot, route, at, node)) fits = 0;
    if (fits) rank_place(s, node, slot, at, ALONE, rest_of_unit);
    if (p->bound && p->bound[node] >= 0) return;
    /* where the load fits a reload may still pay, if seldom */
    if (p->reloads[kind] && (!fits || random_share(&s->random) < RELOAD) && route->count &&
        reloads_of(p, route) < p->reloads[kind]) {
        rank_place(s, node, slot, at, AFTER_RELOAD, rest_of_unit);
        rank_place(s, node, slot, at, BEFORE_RELOAD, rest_of_unit);
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

/* What it costs by the arcs alone to put a client between a tail and the stop at a place. */
static double detour(const Problem *p, int64_t kind, const int32_t *stops, int64_t count, int32_t tail, int64_t at,
                     int32_t node) {
    double more = row_of(p, kind, tail, node)[ARC_GUESS];
    if (at == count && !p->returns[kind]) return more;
    int32_t head = at < count ? stops[at] : p->last[kind];
    return more + row_of(p, kind, node, head)[ARC_GUESS] - row_of(p, kind, tail, head)[ARC_GUESS];
}

/* Write what the further members of a unit cost at the least by their arcs, each behind the first one on its trip,
 * for every place of the first one on a route. */
static void guess_rest(Search *s, int32_t unit, int64_t slot) {
    const Problem *p = s->p;
    const Route *route = &s->now.routes[slot];
    int64_t kind = p->slot_kind[slot];
    int32_t first = p->unit_nodes[p->unit_start[unit]];
    for (int64_t at = 0; at <= route->count; at++) s->rest[at] = 0.0;
    for (int32_t member = p->unit_start[unit] + 1; member < p->unit_start[unit + 1]; member++) {
        int32_t node = p->unit_nodes[member];
        double least = INFINITY;
        for (int64_t at = route->count; at >= 0; at--) {
            s->rest[at] += smaller(least, detour(p, kind, route->stops, route->count, first, at, node));
            int32_t tail = stop_at(p, kind, route, at - 1);
            double more = detour(p, kind, route->stops, route->count, tail, at, node);
            least = tail < p->depots ? INFINITY : smaller(least, more);
        }
    }
}

/* Rank every place of a unit on a route. */
static void rank_route(Search *s, int32_t unit, int64_t slot) {
    const Problem *p = s->p;
    int32_t begin = p->unit_start[unit], end = p->unit_start[unit + 1];
    for (int32_t member = begin; member < end; member++)
        if (!may_serve(p, slot, p->unit_nodes[member])) return;
    int64_t count = s->now.routes[slot].count;
    s->legs += 1 + count * (end - begin) / LOOKS_PER_LEG;
    guess_rest(s, unit, slot);
    for (int64_t at = kept_stops(p, slot); at <= count; at++)
        rank_ways(s, p->unit_nodes[begin], slot, at, s->rest[at]);
}

/* Rank a unit in empty vehicles. */
static void rank_empty(Search *s, int32_t unit) {
    const Problem *p = s->p;
    int32_t node = p->unit_nodes[p->unit_start[unit]];
    for (int64_t slot = 0, kind = -1; slot < p->slots; slot++) {
        /* vehicles of a type are the same, but for those to whom clients are pinned */
        if (s->now.routes[slot].count || !may_serve(p, slot, node)) continue;
        if (p->slot_kind[slot] == kind && p->pinned[node] < 0 && !p->reserved[slot]) continue;
        if (!p->reserved[slot]) kind = p->slot_kind[slot];
        guess_rest(s, unit, slot);
        rank_place(s, node, slot, 0, ALONE, s->rest[0]);
    }
}

/* Rank the places beside a client's neighbours. */
static void rank_beside(Search *s, int32_t node) {
    const Problem *p = s->p;
    fetch_arcs(s, node);
    for (int64_t k = 0; k < p->near_count; k++) {
        int32_t near = p->near[node * p->near_count + k];
        int64_t slot = s->now.slot_of[near];
        if (slot < 0 || !may_serve(p, slot, node)) continue;
        int64_t at = s->now.place_of[near];
        rank_ways(s, node, slot, at, 0.0);
        rank_ways(s, node, slot, at + 1, 0.0);
    }
    for (int64_t slot = 0; p->bound && slot < p->slots; slot++) {
        /* who is on board may go nowhere else, and a vehicle under way may be far from its neighbours */
        int64_t count = s->now.routes[slot].count;
        if (!count || p->under_way[slot] == NOT_LEFT || !may_serve(p, slot, node)) continue;
        for (int64_t at = p->bound[node] == slot ? kept_stops(p, slot) : count; at <= count; at++)
            rank_ways(s, node, slot, at, 0.0);
    }
}

/* Rank the places on the routes that serve a neighbour of any member of a unit, and of vehicles under way. */
static void rank_near(Search *s, int32_t unit) {
    const Problem *p = s->p;
    for (int64_t slot = 0; slot < p->slots; slot++)
        s->is_seen[slot] = p->bound && p->under_way[slot] != NOT_LEFT && s->now.routes[slot].count;
    for (int32_t member = p->unit_start[unit]; member < p->unit_start[unit + 1]; member++)
        for (int64_t k = 0; k < p->near_count; k++) {
            int32_t slot = s->now.slot_of[p->near[p->unit_nodes[member] * p->near_count + k]];
            if (slot >= 0) s->is_seen[slot] = 1;
        }
    for (int64_t slot = 0; slot < p->slots; slot++)
        if (s->is_seen[slot]) rank_route(s, unit, slot);
}

/* Rank the places of a unit near to it, or all there are, and those in empty vehicles. */
static void rank_places(Search *s, int32_t unit, int everywhere) {
    const Problem *p = s->p;
    int32_t members = p->unit_start[unit + 1] - p->unit_start[unit];
    s->place_count = 0;
    s->legs += 1 + (2 * p->near_count + p->slots) / LOOKS_PER_LEG;
    if (everywhere) {
        for (int64_t slot = 0; slot < p->slots; slot++)
            if (s->now.routes[slot].count) rank_route(s, unit, slot);
    } else if (members == 1) {
        rank_beside(s, p->unit_nodes[p->unit_start[unit]]);
    } else {
        rank_near(s, unit);
    }
    rank_empty(s, unit);
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
