/* Moves of one route or two: tails exchanged, stops turned round or moved, vehicles exchanged. */
#include <string.h>

#include "search.h"

enum { LONGEST_MOVED = 3 };      /* stops moved together */
static const double WHOLE = 0.1; /* how often a whole route is turned round: loads and hours make a difference */

static int64_t joined(const Problem *p, const Route *head, int64_t until, const Route *tail, int64_t from,
                      int32_t *out) {
    memcpy(out, head->stops, (size_t)until * sizeof *out);
    memcpy(out + until, tail->stops + from, (size_t)(tail->count - from) * sizeof *out);
    return without_idle_reloads(p, out, until + tail->count - from);
}

/* Reloads are at the depot of the vehicle. */
static void replace_home(const Problem *p, int32_t *stops, int64_t count, int32_t home) {
    for (int64_t i = 0; i < count; i++)
        if (stops[i] < p->depots) stops[i] = home;
}

/* Try to exchange the tails of two routes; return whether they were, for less than `most` more. */
static int exchange(Search *s, int32_t slot, int64_t until, int32_t other, int64_t from, double most) {
    const Problem *p = s->p;
    const Route *one = &s->now.routes[slot], *two = &s->now.routes[other];
    double before = one->price + two->price;
    int64_t kind = p->slot_kind[slot], second_kind = p->slot_kind[other];
    if (until < kept_stops(p, slot) || from < kept_stops(p, other)) return 0;
    if (p->home[kind] != p->home[second_kind] && (p->reloads[kind] || p->reloads[second_kind])) return 0;
    int64_t first = joined(p, one, until, two, from, s->stops), second = joined(p, two, from, one, until, s->other);
    double step = (one->finish - one->departure) / 4.0, departure = one->departure, later = two->departure;
    if (first) lay_stops(s, slot, s->stops, first);
    Score score = {0.0, departure, departure, 0};
    if (first) score = settle(s, &s->layout, departure, step, before + most, NEAR);
    if (!(score.price < before + most)) return 0;
    Score next = {0.0, later, later, 0};
    if (second) {
        lay_stops(s, other, s->other, second);
        next = settle(s, &s->layout, later, step, before + most - score.price, NEAR);
        if (!(next.price < INFINITY)) return 0;
    }
    put_route(s, other, s->other, second, next);
    if (first) lay_stops(s, slot, s->stops, first);
    if (first) score = drive(p, &s->layout, score.departure, s->times);
    put_route(s, slot, s->stops, first, score);
    return 1;
}

/* 2-opt* (Potvin and Rousseau 1995): exchange what comes after a drawn client and before a neighbour, the first pair
 * that fits. */
int exchange_tails(Search *s, double most) {
    const Problem *p = s->p;
    int32_t node = (int32_t)(p->depots + random_below(&s->random, p->nodes - p->depots));
    int32_t slot = s->now.slot_of[node];
    if (slot < 0) return 0;
    for (int64_t k = 0; k < p->near_count; k++) {
        int32_t near = p->near[node * p->near_count + k], other = s->now.slot_of[near];
        if (other < 0 || other == slot) continue;
        int64_t at = s->now.place_of[node], from = s->now.place_of[near];
        /* the neighbour follows the client */
        if (exchange(s, slot, at + 1, other, from, most)) return 1;
    }
    return 0;
}

/* Turn some stops of a drawn route round, or move up to three of them to another place (Or 1976). */
int reorder_stops(Search *s, double most) {
    const Problem *p = s->p;
    int32_t slot = s->now.slot_of[p->depots + random_below(&s->random, p->nodes - p->depots)];
    if (slot < 0) return 0;
    const Route *route = &s->now.routes[slot];
    int64_t kept = kept_stops(p, slot), count = route->count - kept;
    const int32_t *own = route->stops + kept;
    int32_t *turned = s->stops + kept; /* behind the stops that stay */
    if (count < 2) return 0;
    int64_t first = random_below(&s->random, count), moves = random_share(&s->random) < 0.5;
    int64_t length =
        1 + random_below(&s->random, moves && count - first > LONGEST_MOVED ? LONGEST_MOVED : count - first);
    if (random_share(&s->random) < WHOLE) first = 0, length = count, moves = 0;
    memcpy(s->stops, route->stops, (size_t)kept * sizeof *s->stops);
    memcpy(s->other, own, (size_t)count * sizeof *s->other);
    if (!moves || random_share(&s->random) < 0.5)
        for (int64_t i = 0; i < length / 2; i++) {
            int32_t stop = s->other[first + i];
            s->other[first + i] = s->other[first + length - 1 - i];
            s->other[first + length - 1 - i] = stop;
        }
    int64_t place = moves ? random_below(&s->random, count - length + 1) : first, n = 0;
    for (int64_t i = 0; i < count; i++) {
        if (n == place) {
            memcpy(turned + n, s->other + first, (size_t)length * sizeof *turned);
            n += length;
        }
        if (i < first || i >= first + length) turned[n++] = s->other[i];
    }
    if (n == place && n < count) memcpy(turned + n, s->other + first, (size_t)length * sizeof *turned);
    count = without_idle_reloads(p, s->stops, kept + count);
    lay_stops(s, slot, s->stops, count);
    double step = (route->finish - route->departure) / 8.0;
    Score score = settle(s, &s->layout, route->departure, step, route->price + most, NEAR);
    if (!(score.price < INFINITY)) return 0;
    put_route(s, slot, s->stops, count, score);
    return 1;
}

/* Give the stops of a drawn route to a vehicle of another type, which gives its own in return. */
int exchange_vehicles(Search *s, double most) {
    const Problem *p = s->p;
    int32_t slot = s->now.slot_of[p->depots + random_below(&s->random, p->nodes - p->depots)];
    if (slot < 0) return 0;
    int64_t other = random_below(&s->random, p->slots);
    if (p->slot_kind[other] == p->slot_kind[slot]) return 0;
    if (p->bound && (p->under_way[slot] != NOT_LEFT || p->under_way[other] != NOT_LEFT)) return 0;
    const Route *one = &s->now.routes[slot], *two = &s->now.routes[other];
    int64_t first = two->count, second = one->count;
    double before = one->price + two->price;
    memcpy(s->other, one->stops, (size_t)second * sizeof *s->other);
    if (first) memcpy(s->stops, two->stops, (size_t)first * sizeof *s->stops);
    replace_home(p, s->other, second, p->home[p->slot_kind[other]]);
    replace_home(p, s->stops, first, p->home[p->slot_kind[slot]]);
    lay_stops(s, other, s->other, second);
    Score next = settle(s, &s->layout, one->departure, 0.0, before + most, FULL);
    if (!(next.price < INFINITY)) return 0;
    Score score = {0.0, one->departure, one->departure, 0};
    if (first) {
        lay_stops(s, slot, s->stops, first);
        score = settle(s, &s->layout, two->departure, 0.0, before + most - next.price, FULL);
        if (!(score.price < INFINITY)) return 0;
    }
    put_route(s, slot, s->stops, first, score);
    lay_stops(s, other, s->other, second);
    next = drive(p, &s->layout, next.departure, s->times);
    put_route(s, other, s->other, second, next);
    return 1;
}
