/* Loads on board, and the rules of a route that no clock changes. */
#include <stdlib.h>

#include "drive.h"

static const double NOTHING = 1e-12; /* share of what is carried that is rounding; as in simulate/legs.py */

static int32_t node_at(const Problem *p, int64_t kind, const int32_t *stops, int64_t count, int64_t place) {
    return place <= 0 ? p->home[kind] : place <= count ? stops[place - 1] : p->last[kind];
}

/* Make room for routes of so many stops; return whether there is. */
int make_layout(const Problem *p, int64_t stops, Layout *layout) {
    size_t room = (size_t)stops + 1, nodes = (size_t)p->nodes;
    layout->legs = malloc(room * sizeof *layout->legs);
    layout->work = malloc(room * 2 * sizeof *layout->work);
    layout->trip = malloc(room * sizeof *layout->trip);
    layout->place = malloc(nodes * sizeof *layout->place);
    if (layout->place)
        for (size_t node = 0; node < nodes; node++) layout->place[node] = -1;
    return layout->legs && layout->work && layout->trip && layout->place;
}

void free_layout(Layout *layout) {
    free(layout->legs);
    free(layout->work);
    free(layout->trip);
    free(layout->place);
}

/* Note where the stops are; no client is visited twice. */
static void note_places(const Problem *p, const int32_t *stops, int64_t count, Layout *layout) {
    int32_t trip = 0;
    for (int64_t i = 0; i < count; i++) {
        layout->trip[i] = trip;
        if (stops[i] < p->depots) trip++;
        else layout->place[stops[i]] = (int32_t)i;
    }
}

static void forget_places(const int32_t *stops, int64_t count, Layout *layout) {
    for (int64_t i = 0; i < count; i++) layout->place[stops[i]] = -1;
}

/* Demand on the route that is loaded at a node. */
static double given_at(const Problem *p, const double *carried, const Layout *layout, int32_t node) {
    double given = 0.0;
    int32_t unit = p->unit_of[node];
    for (int32_t k = p->unit_start[unit]; k < p->unit_start[unit + 1]; k++) {
        int32_t other = p->unit_nodes[k];
        if (p->source[other] == node && layout->place[other] >= 0) given += carried[other];
    }
    return given;
}

/* Write what is on board on each of count + 1 legs, the way back last. */
static void loads_on_board(const Problem *p, int64_t measure, const int32_t *stops, int64_t count,
                           const Layout *layout, double *loads) {
    const double *carried = p->demand + measure * p->nodes;
    double all = 0.0, load = 0.0;
    for (int64_t i = 0; i < count; i++) all += carried[stops[i]] + (measure == 0 ? p->pickup[stops[i]] : 0.0);
    for (int64_t leg = 0; leg <= count; leg++) {
        int at_depot = leg == 0 || stops[leg - 1] < p->depots;
        if (at_depot) {
            load = 0.0;
            for (int64_t i = leg; i < count && stops[i] >= p->depots; i++)
                if (p->source[stops[i]] < 0) load += carried[stops[i]];
        } else {
            int32_t tail = stops[leg - 1];
            load -= carried[tail];
            if (measure == 0) load += p->pickup[tail];
            if (p->has_sources) load += given_at(p, carried, layout, tail);
        }
        loads[leg] = load <= NOTHING * all ? 0.0 : load;
    }
}

/* Whether a node is visited on the same trip as a place, before it or after it. */
static int on_trip(const Layout *layout, int64_t at, int32_t node, int before) {
    int32_t place = layout->place[node];
    if (place < 0 || (before ? place >= at : place <= at)) return 0;
    return layout->trip[place] == layout->trip[at];
}

static int breaks_order(const Problem *p, const int32_t *stops, int64_t count, const Layout *layout) {
    for (int64_t i = 0; i < count; i++) {
        int32_t node = stops[i];
        if (node < p->depots) continue;
        if (p->source[node] >= 0 && !on_trip(layout, i, p->source[node], 1)) return 1;
        int32_t unit = p->unit_of[node];
        for (int32_t k = p->unit_start[unit]; k < p->unit_start[unit + 1]; k++) {
            int32_t other = p->unit_nodes[k];
            if (p->source[other] == node && !on_trip(layout, i, other, 0)) return 1;
        }
    }
    return 0;
}

static int breaks_backhaul(const Problem *p, const int32_t *stops, int64_t count) {
    int picked_up = 0;
    for (int64_t i = 0; i < count; i++) {
        int32_t node = stops[i];
        if (node < p->depots) picked_up = 0;
        else if (picked_up && p->demand[node] > 0.0) return 1;
        else if (p->pickup[node] > 0.0) picked_up = 1;
    }
    return 0;
}

/* Whether a route is not that of a vehicle under way, or serves whom another one has on board. */
static int changes_started(const Problem *p, int64_t slot, const int32_t *stops, int64_t count) {
    int64_t kept = kept_stops(p, slot), on_trip = p->under_way[slot] != NOT_LEFT;
    if (count < kept) return 1;
    for (int64_t i = 0; i < kept; i++)
        if (stops[i] != p->kept_stops[p->kept_start[slot] + i]) return 1;
    if (count > kept && p->under_way[slot] == GOES_TO_END) return 1;
    if (count > kept && p->under_way[slot] == GOES_HOME && stops[kept] >= p->depots) return 1;
    for (int64_t i = kept; i < count; i++) {
        int32_t node = stops[i];
        if (node < p->depots) on_trip = 0;
        else if (p->bound[node] >= 0 ? p->bound[node] != slot || !on_trip : on_trip && p->loaded[node]) return 1;
    }
    return 0;
}

static int64_t rules_of_stops(const Problem *p, int64_t slot, int64_t kind, const int32_t *stops, int64_t count,
                              const Layout *layout) {
    int64_t broken = 0, reloads = 0;
    for (int64_t i = 0; i < count; i++) {
        int32_t node = stops[i];
        reloads += node < p->depots;
        if (!p->allowed[kind * p->nodes + node]) broken |= BROKEN_SKILL;
        if (p->pinned[node] >= 0 && p->pinned[node] != slot) broken |= BROKEN_PIN;
        if (p->apart)
            for (int64_t j = 0; j < i; j++)
                if (p->apart[(int64_t)node * p->nodes + stops[j]]) broken |= BROKEN_GOODS;
    }
    if (reloads > p->reloads[kind]) broken |= BROKEN_RELOAD;
    if (p->has_sources && breaks_order(p, stops, count, layout)) broken |= BROKEN_ORDER;
    if (p->backhaul && breaks_backhaul(p, stops, count)) broken |= BROKEN_BACKHAUL;
    if (p->bound && changes_started(p, slot, stops, count)) broken |= BROKEN_STARTED;
    return broken;
}

/* Write when service at each stop may begin for its goods to be ready: at a source those of the clients it gives to,
 * at a reload those of the next trip, less the time it takes. Note when those of the first trip are ready. */
static void goods_ready(const Problem *p, const int32_t *stops, int64_t count, Layout *layout, double *ready) {
    double trip = -INFINITY, limit = -INFINITY;
    for (int64_t i = count; i-- > 0;) {
        int32_t node = stops[i];
        if (node < p->depots) {
            ready[i] = trip - p->service[layout->kind * p->nodes + node];
            trip = limit = -INFINITY;
        } else if (p->source[node] < 0) {
            trip = larger(trip, p->release[node]);
            limit = larger(limit, p->release_from[node]);
        } else if (layout->place[p->source[node]] >= 0) {
            double *there = &ready[layout->place[p->source[node]]];
            *there = larger(*there, p->release[node]);
        }
    }
    layout->start = larger(p->start[layout->kind], trip);
    layout->released = limit;
}

/* Nothing begins in the past that is not under way, and who has left has left. */
static void wait_for_now(const Problem *p, const int32_t *stops, int64_t count, Layout *layout, double *ready) {
    double left = p->has_left[layout->slot];
    for (int64_t i = kept_stops(p, layout->slot); i < count; i++)
        if (stops[i] < p->depots)
            ready[i] = larger(ready[i], p->not_before - p->service[layout->kind * p->nodes + stops[i]]);
    layout->has_left = isfinite(left);
    layout->start = layout->has_left ? left : larger(layout->start, p->leaves_from[layout->slot]);
}

/* Lay a route out: `stops` are clients, and the depot where the vehicle reloads. */
void lay_out(const Problem *p, int64_t slot, const int32_t *stops, int64_t count, Layout *layout) {
    int64_t kind = p->slot_kind[slot], driven = count ? count + (p->returns[kind] ? 1 : 0) : 0;
    double *loads = layout->work, *ready = loads + count + 1;
    layout->slot = slot;
    layout->kind = kind;
    layout->has_left = 0;
    if (p->has_sources) note_places(p, stops, count, layout);
    layout->broken = rules_of_stops(p, slot, kind, stops, count, layout);
    for (int64_t measure = p->measures - 1; measure >= 0; measure--) {
        double most = 0.0;
        loads_on_board(p, measure, stops, count, layout, loads);
        for (int64_t leg = 0; leg <= count; leg++) most = larger(most, loads[leg]);
        if (most > p->capacity[measure * p->kinds + kind]) layout->broken |= BROKEN_CAPACITY;
    }
    int waits = p->release || p->bound;
    layout->start = p->start[kind];
    layout->released = -INFINITY;
    for (int64_t i = 0; waits && i < count; i++) ready[i] = -INFINITY;
    if (p->release) goods_ready(p, stops, count, layout, ready);
    if (p->bound) wait_for_now(p, stops, count, layout, ready);
    if (p->has_sources) forget_places(stops, count, layout);
    layout->distance = 0.0;
    layout->count = 0;
    for (int64_t leg = 0; leg < driven; leg++) {
        int32_t tail = node_at(p, kind, stops, count, leg), head = node_at(p, kind, stops, count, leg + 1);
        if (tail == head) continue;
        Leg *next = &layout->legs[layout->count++];
        next->head = head;
        next->arc = (int32_t)(tail * p->nodes + head);
        next->load = loads[leg];
        next->stay = leg < count ? p->service[kind * p->nodes + head] : 0.0;
        if (leg < count && p->stop && !p->stop_reads_clock && head >= p->depots)
            next->stay = stop_value(p, kind, next, 0.0);
        next->ready = p->windows == 1 ? p->opens[head] : -INFINITY;
        if (waits && leg < count) next->ready = larger(next->ready, ready[leg]);
        layout->distance += arc_row(p, kind, next->arc)[ARC_DISTANCE];
    }
    if (layout->distance > p->farthest[kind]) layout->broken |= BROKEN_DISTANCE;
}
