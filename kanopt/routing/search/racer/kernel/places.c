/* Places where a unit may be put in, ranked by guesses of price and time before any is driven. */
#include "search.h"

static const double BLINK = 0.01;   /* how often a place is not seen */
static const double RELOAD = 0.05;  /* how often a reload is thought of where none is needed */
static const double UNLIKELY = 1e6; /* a place where somebody would be late ranks after all others, by how late */

/* Add a place to those found. */
static void add_place(Search *s, Place place) {
    if (s->place_count < s->place_room) s->places[s->place_count++] = place;
}

/* Take the place that ranks first out of those found; between neighbours it was found twice. */
Place take_first(Search *s) {
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

int may_serve(const Problem *p, int64_t slot, int32_t node) {
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
double detour(const Problem *p, int64_t kind, const int32_t *stops, int64_t count, int32_t tail, int64_t at,
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
void rank_places(Search *s, int32_t unit, int everywhere) {
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
