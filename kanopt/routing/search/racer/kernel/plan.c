/* A plan, changed step by step: what a step touches is kept, so that it can be taken back. */
#include <stdlib.h>
#include <string.h>

#include "search.h"

/* Make room for stops; return whether there is. */
static int grow(Search *s, Route *route, int64_t count) {
    if (count <= route->room) return 1;
    int64_t room = 2 * count;
    int32_t *stops = realloc(route->stops, (size_t)room * sizeof *stops);
    if (stops) route->stops = stops;
    double *leave = realloc(route->leave, (size_t)(room + 2) * sizeof *leave);
    if (leave) route->leave = leave;
    double *due = realloc(route->due, (size_t)(room + 2) * sizeof *due);
    if (due) route->due = due;
    if (stops && leave && due) route->room = room;
    else s->failed = 1;
    return !s->failed;
}

static void copy_route(Search *s, Route *to, const Route *from) {
    if (!grow(s, to, from->count)) return;
    int32_t *stops = to->stops;
    double *leave = to->leave, *due = to->due;
    int64_t room = to->room;
    if (from->count) memcpy(stops, from->stops, (size_t)from->count * sizeof *stops);
    memcpy(leave, from->leave, (size_t)(from->count + 2) * sizeof *leave);
    memcpy(due, from->due, (size_t)(from->count + 2) * sizeof *due);
    *to = *from;
    to->room = room;
    to->stops = stops;
    to->leave = leave;
    to->due = due;
}

/* Keep a route as it is before the step changes it. */
void touch(Search *s, int64_t slot) {
    if (s->is_touched[slot]) return;
    s->is_touched[slot] = 1;
    s->touched[s->touched_count++] = (int32_t)slot;
    copy_route(s, &s->saved[slot], &s->now.routes[slot]);
}

/* Drop reloads that have no stop before or after them; return how many stops are left. */
int64_t without_idle_reloads(const Problem *p, int32_t *stops, int64_t count) {
    int64_t kept = 0;
    for (int64_t i = 0; i < count; i++)
        if (stops[i] >= p->depots || (kept && stops[kept - 1] >= p->depots)) stops[kept++] = stops[i];
    return kept && stops[kept - 1] < p->depots ? kept - 1 : kept;
}

void lay_stops(Search *s, int64_t slot, const int32_t *stops, int64_t count) {
    lay_out(s->p, slot, stops, count, &s->layout);
}

/* Note which vehicle serves the stops of a route. */
static void note_stops(Search *s, int64_t slot) {
    const Route *route = &s->now.routes[slot];
    for (int64_t i = 0; i < route->count; i++) {
        if (route->stops[i] < s->p->depots) continue;
        s->now.slot_of[route->stops[i]] = (int32_t)slot;
        s->now.place_of[route->stops[i]] = (int32_t)i;
    }
}

/* Give a vehicle its stops, which were laid out and settled last. */
void put_route(Search *s, int64_t slot, const int32_t *stops, int64_t count, Score score) {
    const Problem *p = s->p;
    Route *route = &s->now.routes[slot];
    touch(s, slot);
    if (!grow(s, route, count)) return;
    for (int64_t i = 0; i < route->count; i++)
        if (route->stops[i] >= p->depots && s->now.slot_of[route->stops[i]] == slot)
            s->now.slot_of[route->stops[i]] = -1;
    if (count) memmove(route->stops, stops, (size_t)count * sizeof *stops);
    route->count = count;
    note_stops(s, slot);
    route->price = count ? score.price : 0.0;
    route->departure = score.departure;
    route->earliest = s->layout.start;
    route->finish = score.finish;
    if (!count) return;
    /* the laid out legs are those of the stops, but for the way back where the vehicle need not return */
    int64_t driven = s->layout.count;
    double late = p->end[s->layout.kind];
    route->leave[driven] = score.finish;
    route->due[driven] = late;
    for (int64_t i = driven; i-- > 0;) {
        const Leg *leg = &s->layout.legs[i];
        /* service at the head of leg i begins by `late` at the latest */
        double stay = leg_stay(p, s->layout.kind, leg, leg_begin(p, leg, s->times.arrive[i]));
        late = smaller(late - stay, p->due_by[leg->head]);
        route->leave[i] = s->times.leave[i];
        route->due[i] = late;
        late -= s->times.arrive[i] - s->times.leave[i];
    }
}

void leave_out(Search *s, int32_t unit) {
    Plan *plan = &s->now;
    if (plan->left_at[unit] >= 0) return;
    plan->left_at[unit] = (int32_t)plan->left_count;
    plan->left[plan->left_count++] = unit;
}

void take_in(Search *s, int32_t unit) {
    Plan *plan = &s->now;
    int32_t place = plan->left_at[unit], last = plan->left[--plan->left_count];
    plan->left[place] = last;
    plan->left_at[last] = place;
    plan->left_at[unit] = -1;
}

/* What a plan pays for leaving a unit out. */
double unit_worth(const Problem *p, int32_t unit) {
    double worth = 0.0;
    for (int32_t k = p->unit_start[unit]; k < p->unit_start[unit + 1]; k++)
        worth += p->mandatory[p->unit_nodes[k]] ? p->missed : p->prize[p->unit_nodes[k]];
    return worth;
}

double plan_price(Search *s, int64_t *missed) {
    const Problem *p = s->p;
    double price = 0.0, longest = 0.0;
    for (int64_t slot = 0; slot < p->slots; slot++) {
        const Route *route = &s->now.routes[slot];
        if (!route->count) continue;
        price += route->price;
        longest = larger(longest, route->finish - route->departure);
    }
    *missed = 0;
    for (int64_t i = 0; i < s->now.left_count; i++) {
        int32_t unit = s->now.left[i];
        price += unit_worth(p, unit);
        for (int32_t k = p->unit_start[unit]; k < p->unit_start[unit + 1]; k++)
            *missed += p->mandatory[p->unit_nodes[k]];
    }
    return price + p->longest_rate * longest;
}

void undo_step(Search *s) {
    const Problem *p = s->p;
    Plan *plan = &s->now;
    for (int64_t i = 0; i < s->touched_count; i++) {
        const Route *route = &plan->routes[s->touched[i]];
        for (int64_t k = 0; k < route->count; k++)
            if (route->stops[k] >= p->depots) plan->slot_of[route->stops[k]] = -1;
    }
    for (int64_t i = 0; i < s->touched_count; i++) {
        int32_t slot = s->touched[i];
        copy_route(s, &plan->routes[slot], &s->saved[slot]);
        note_stops(s, slot);
    }
    while (plan->left_count) take_in(s, plan->left[0]);
    for (int64_t i = 0; i < s->left_before_count; i++) leave_out(s, s->left_before[i]);
    plan->price = s->price_before;
    plan->missed = s->missed_before;
}

void keep_best(Search *s) {
    for (int64_t slot = 0; slot < s->p->slots; slot++) copy_route(s, &s->best.routes[slot], &s->now.routes[slot]);
    s->best.price = s->now.price;
    s->best.missed = s->now.missed;
    s->improved++;
}

/* Make the best plan the current one. */
void return_to_best(Search *s) {
    const Problem *p = s->p;
    Plan *plan = &s->now;
    for (int64_t node = p->depots; node < p->nodes; node++) plan->slot_of[node] = -1;
    for (int64_t slot = 0; slot < p->slots; slot++) {
        copy_route(s, &plan->routes[slot], &s->best.routes[slot]);
        note_stops(s, slot);
    }
    while (plan->left_count) take_in(s, plan->left[0]);
    for (int64_t node = p->depots; node < p->nodes; node++)
        if (plan->slot_of[node] < 0) leave_out(s, p->unit_of[node]);
    plan->price = s->best.price;
    plan->missed = s->best.missed;
}
