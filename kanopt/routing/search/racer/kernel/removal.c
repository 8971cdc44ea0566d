/* Which units to take out of a plan, so that putting them back may make a better one.
 *
 * Strings are those of Christiaens and Vanden Berghe (2020, "Slack induction by string removals for vehicle routing
 * problems", Transportation Science 54(2), 417-433), with their sizes; related removal is Shaw's (1998). */
#include "search.h"

static const double MEAN_STRINGS = 10.0, LONGEST_STRING = 10.0, SPLIT = 0.5, DEEPER = 0.01;
static const double PICK = 4.0; /* the higher, the nearer the neighbours taken (Ropke and Pisinger 2006) */
enum { MOST_REMOVED = 64 };     /* by one step, where nobody asks for more */

/* Whether a vehicle under way keeps a member of a unit where it is. */
static int is_kept(const Search *s, int32_t unit) {
    const Problem *p = s->p;
    for (int32_t k = p->unit_start[unit]; k < p->unit_start[unit + 1]; k++) {
        int32_t node = p->unit_nodes[k], slot = s->now.slot_of[node];
        if (slot >= 0 && s->now.place_of[node] < kept_stops(p, slot)) return 1;
    }
    return 0;
}

static void take_out(Search *s, int32_t unit, int64_t *count) {
    const Problem *p = s->p;
    if (s->now.left_at[unit] >= 0 || (p->bound && is_kept(s, unit))) return;
    leave_out(s, unit);
    s->taken[(*count)++] = unit;
    for (int32_t k = p->unit_start[unit]; k < p->unit_start[unit + 1]; k++) {
        int32_t slot = s->now.slot_of[p->unit_nodes[k]];
        if (slot >= 0) touch(s, slot);
    }
}

static int32_t some_served(Search *s) {
    const Problem *p = s->p;
    for (int64_t tries = 0; tries < 4 * p->nodes; tries++) {
        int32_t node = (int32_t)(p->depots + random_below(&s->random, p->nodes - p->depots));
        if (s->now.slot_of[node] >= 0 && s->now.left_at[p->unit_of[node]] < 0) return node;
    }
    return -1;
}

/* Take some stops in a row, one of them given; half the time with a gap of stops that stay. */
static void take_string(Search *s, const Route *route, int64_t at, int64_t length, int64_t most, int64_t *count) {
    const Problem *p = s->p;
    int64_t gap = 0;
    if (length > 1 && length < route->count && random_share(&s->random) < SPLIT) {
        gap = 1;
        while (length + gap < route->count && random_share(&s->random) < DEEPER) gap++;
    }
    int64_t whole = length + gap, low = at - whole + 1 > 0 ? at - whole + 1 : 0;
    int64_t high = at < route->count - whole ? at : route->count - whole;
    int64_t first = low + random_below(&s->random, high - low + 1),
            hole = first + random_below(&s->random, length + 1);
    for (int64_t i = first; i < first + whole && *count < most; i++)
        if (route->stops[i] >= p->depots && (i < hole || i >= hole + gap))
            take_out(s, p->unit_of[route->stops[i]], count);
}

static void remove_strings(Search *s, int64_t most, int64_t *count) {
    const Problem *p = s->p;
    double served = 0.0, used = 0.0;
    for (int64_t slot = 0; slot < p->slots; slot++) {
        served += (double)s->now.routes[slot].count;
        used += s->now.routes[slot].count > 0;
    }
    double longest = smaller(LONGEST_STRING, served / larger(used, 1.0));
    double strings = larger(4.0 * MEAN_STRINGS / (1.0 + longest) - 1.0, 1.0);
    int64_t number = 1 + random_below(&s->random, (int64_t)strings), ruined = 0;
    if (most > MOST_REMOVED) number = (int64_t)used;
    int32_t seed = some_served(s);
    if (seed < 0) return;
    for (int64_t k = -1; k < p->near_count && ruined < number && *count < most; k++) {
        int32_t node = k < 0 ? seed : p->near[seed * p->near_count + k];
        int32_t slot = s->now.slot_of[node];
        if (slot < 0 || s->is_touched[slot]) continue;
        const Route *route = &s->now.routes[slot];
        double limit = smaller(longest, (double)route->count);
        int64_t length = 1 + random_below(&s->random, (int64_t)limit);
        take_string(s, route, s->now.place_of[node], length, most, count);
        ruined++;
    }
}

static void remove_related(Search *s, int64_t most, int64_t *count) {
    const Problem *p = s->p;
    int32_t seed = some_served(s);
    if (seed < 0) return;
    take_out(s, p->unit_of[seed], count);
    if (!*count) return;
    for (int64_t tries = 0; *count < most && tries < 8 * most && p->near_count; tries++) {
        int32_t unit = s->taken[random_below(&s->random, *count)], from = p->unit_nodes[p->unit_start[unit]];
        int64_t k = (int64_t)(pow(random_share(&s->random), PICK) * (double)p->near_count);
        int32_t node = p->near[from * p->near_count + k];
        if (s->now.slot_of[node] >= 0) take_out(s, p->unit_of[node], count);
    }
}

static void remove_random(Search *s, int64_t most, int64_t *count) {
    for (int64_t tries = 0; *count < most && tries < 4 * most; tries++) {
        int32_t node = some_served(s);
        if (node < 0) return;
        take_out(s, s->p->unit_of[node], count);
    }
}

/* A whole route, of two the shorter, and its neighbours' ends as far as there is room for more. */
static void remove_route(Search *s, int64_t most, int64_t *count) {
    int32_t one = some_served(s), other = some_served(s);
    if (one < 0 || other < 0) return;
    Route *routes = s->now.routes, *route = &routes[s->now.slot_of[one]], *second = &routes[s->now.slot_of[other]];
    if (second->count < route->count) route = second;
    for (int64_t i = 0; i < route->count && *count < most; i++)
        if (route->stops[i] >= s->p->depots) take_out(s, s->p->unit_of[route->stops[i]], count);
}

/* Give a vehicle under way what it had before the step. */
static void put_back(Search *s, int64_t slot) {
    const Problem *p = s->p;
    const Route *before = &s->saved[slot];
    for (int64_t i = 0; i < before->count; i++) {
        int32_t node = before->stops[i];
        if (node >= p->depots && s->now.left_at[p->unit_of[node]] >= 0) take_in(s, p->unit_of[node]);
        s->stops[i] = node;
    }
    lay_stops(s, slot, s->stops, before->count);
    put_route(s, slot, s->stops, before->count, drive(p, &s->layout, before->departure, s->times));
}

/* Drop from a touched route what was taken out, and reloads that have nothing before or after them. */
static void close_up(Search *s, int64_t slot) {
    const Problem *p = s->p;
    Route *route = &s->now.routes[slot];
    double departure = route->departure, before = route->finish - route->departure;
    int64_t count = 0;
    for (int64_t i = 0; i < route->count; i++) {
        int32_t node = route->stops[i];
        if (node < p->depots || s->now.left_at[p->unit_of[node]] < 0) s->stops[count++] = node;
    }
    count = without_idle_reloads(p, s->stops, count);
    lay_stops(s, slot, s->stops, count);
    Score score = settle(s, &s->layout, departure, before / 4.0, INFINITY, SHIFT);
    if (count && !(score.price < INFINITY)) score = settle(s, &s->layout, departure, before / 4.0, INFINITY, FULL);
    if (count && !(score.price < INFINITY)) score = drive(p, &s->layout, departure, s->times);
    if (score.broken) score.price = INFINITY;
    if (count && !(score.price < INFINITY) && p->bound && p->under_way[slot] != NOT_LEFT) {
        put_back(s, slot);
        return;
    }
    if (count && !(score.price < INFINITY)) {
        /* without a triangle inequality a route may break a rule because it lost a stop */
        for (int64_t i = 0; i < count; i++)
            if (s->stops[i] >= p->depots) leave_out(s, p->unit_of[s->stops[i]]);
        count = 0;
    }
    put_route(s, slot, s->stops, count, score);
}

/* Take out about so many units; 0 for as many as the search likes. */
void remove_units(Search *s, int64_t count) {
    int64_t taken = 0, served = s->units - s->now.left_count - s->p->depots;
    double choice = count ? 1.0 : random_share(&s->random);
    if (served <= 0) return;
    int64_t most = count ? count : 1 + random_below(&s->random, served < 16 ? served : 16);
    if (choice < 0.6) remove_strings(s, MOST_REMOVED, &taken);
    else if (choice < 0.85) remove_related(s, most, &taken);
    else if (choice < 0.93) remove_random(s, most, &taken);
    else if (!count) remove_route(s, 2 * LONGEST_STRING, &taken);
    else
        for (int64_t tries = 0; taken < count && tries < count; tries++)
            remove_related(s, taken + 8 < count ? taken + 8 : count, &taken);
    for (int64_t i = 0, touched = s->touched_count; i < touched; i++) close_up(s, s->touched[i]);
}
