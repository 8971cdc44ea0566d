/* Where breaks are taken: dynamic programming over legs and breaks taken, as routing/simulate/drive.py. */
#include "breaks.h"

static const double SAME = 1e-9;

/* Whether one state is less late than another, or equally late and earlier. */
static int is_better(const State *one, const State *other) {
    if (one->late < other->late - BREAK_SLACK) return 1;
    return one->late <= other->late + BREAK_SLACK && one->clock < other->clock;
}

/* How many breaks may be over by a departure. */
int64_t breaks_over_by(const Problem *p, int64_t kind, int64_t breaks, double departure) {
    double free = -INFINITY;
    int64_t done = 0;
    for (int64_t number = 0; number < breaks; number++) {
        Break rest = break_of(p, kind, number);
        double begins = larger(free, rest.earliest);
        free = begins + rest.length;
        if (begins > rest.latest) break;
        if (departure >= free - BREAK_SLACK) done = number + 1;
    }
    return done;
}

/* Ways found to have taken so many breaks after a leg. */
typedef struct {
    State *states;
    int64_t count, most; /* where one is followed only, `most` is 1 */
} Ways;

/* Add a way; where one is followed only, it is the soonest. */
static void add_way(const Problem *p, int64_t kind, const Leg *leg, const State *from, double spent, double begin,
                    Ways *found) {
    double over = begin - p->due[leg->head];
    State next = {begin + leg_stay(p, kind, leg, begin), from->late + (over > 0.0 ? over : 0.0), 0.0, from->broken};
    if (found->most == 1) {
        if (found->count && !is_better(&next, found->states)) return;
        found->count = 0;
    }
    if (begin > p->due_by[leg->head]) next.broken |= BROKEN_WINDOW;
    next.price = from->price + leg_price(p, kind, leg, from->clock, spent, lateness(p, leg->head, begin));
    found->states[found->count++] = next;
}

/* Whether one way is neither later nor dearer than another. */
static int is_as_good(const Problem *p, const State *one, const State *other) {
    if (!(one->clock <= other->clock + SAME) || !(one->price <= other->price + SAME)) return 0;
    return !p->break_by_clock || other->clock <= one->clock + SAME;
}

/* Keep the soonest way, and the cheapest so far of the others that are neither later nor dearer than another. */
static void keep_ways(const Problem *p, int64_t kind, int64_t ways, const Ways *found, State *kept) {
    int64_t count = found->count, n = 0, soonest = -1;
    const State *states = found->states;
    double least = INFINITY, key[count + 1];
    int out[count + 1];
    for (int64_t i = 0; i < count; i++) least = smaller(least, states[i].late);
    for (int64_t i = 0; i < count; i++) {
        out[i] = states[i].late > least + BREAK_SLACK;
        key[i] = states[i].price + p->per_time[kind] * states[i].clock;
    }
    for (int64_t i = 0; i < count; i++) {
        if (out[i]) continue;
        int dominated = 0;
        for (int64_t k = 0; k < count && !dominated; k++)
            dominated = k != i && states[k].late <= least + BREAK_SLACK && is_as_good(p, &states[k], &states[i]) &&
                        (k < i || !is_as_good(p, &states[i], &states[k]));
        if (dominated) out[i] = 1;
    }
    for (int64_t i = 0; i < count; i++)
        if (!out[i] && (soonest < 0 || states[i].clock < states[soonest].clock)) soonest = i;
    for (int64_t i = soonest; n < ways && i >= 0;) {
        kept[n++] = states[i];
        out[i] = 1;
        i = -1;
        for (int64_t k = 0; k < count; k++)
            if (!out[k] && (i < 0 || key[k] < key[i])) i = k;
    }
    for (; n < ways; n++) kept[n] = (State){INFINITY, INFINITY, INFINITY, 0};
}

/* Take a leg with no break, or as many as can be taken on it; return whether any way leads to its end. */
static int drive_leg(const Problem *p, int64_t kind, int64_t breaks, int64_t ways, const Leg *leg, State *states) {
    int64_t most = ways == 1 ? 1 : (breaks + 1) * ways, gets_there = 0;
    State space[(breaks + 1) * most];
    Ways found[breaks + 1];
    for (int64_t taken = 0; taken <= breaks; taken++) found[taken] = (Ways){space + taken * most, 0, most};
    for (int64_t place = 0; place < (breaks + 1) * ways; place++) {
        const State *from = &states[place];
        if (!isfinite(from->clock)) continue;
        double clock = from->clock, spent = leg_duration(p, kind, leg, clock), remaining = spent;
        if (!isfinite(spent)) continue;
        int64_t taken = place / ways;
        double begin = leg_begin(p, leg, clock + remaining);
        add_way(p, kind, leg, from, spent, begin, &found[taken]);
        for (; taken < breaks; taken++) {
            Break rest = break_of(p, kind, taken);
            double begins = larger(clock, rest.earliest);
            if (begins > rest.latest + BREAK_SLACK) break;
            /* nobody waits for a break at a client who can be served before it */
            if (begins > begin + BREAK_SLACK && begin + leg_stay(p, kind, leg, begin) <= rest.latest + BREAK_SLACK)
                break;
            remaining -= smaller(begins - clock, remaining);
            clock = begins + rest.length;
            begin = leg_begin(p, leg, clock + remaining);
            add_way(p, kind, leg, from, spent, begin, &found[taken + 1]);
        }
    }
    for (int64_t taken = 0; taken <= breaks; taken++) gets_there |= found[taken].count > 0;
    if (!gets_there) return 0;
    for (int64_t taken = 0; taken <= breaks; taken++) keep_ways(p, kind, ways, &found[taken], states + taken * ways);
    return 1;
}

/* How many of the breaks that are left cannot be taken after a route. */
static int64_t lost_after(const Problem *p, int64_t kind, int64_t taken, int64_t breaks, double finish) {
    int64_t lost = 0;
    for (int64_t number = taken; number < breaks; number++) {
        Break rest = break_of(p, kind, number);
        double begins = larger(finish, rest.earliest);
        if (begins > rest.latest + BREAK_SLACK) lost++;
        else finish = begins + rest.length;
    }
    return lost;
}

/* What decides between two ways to the end of a route, in this order. */
typedef struct {
    double missed, late, over, price, finish;
} End;

static int comes_first(const End *one, const End *other) {
    const double a[] = {one->missed, one->late, one->over, one->price, one->finish};
    const double b[] = {other->missed, other->late, other->over, other->price, other->finish};
    const double tolerance[] = {0.0, BREAK_SLACK, BREAK_SLACK, SAME, 0.0};
    for (int i = 0; i < 5; i++) {
        if (a[i] < b[i] - tolerance[i]) return 1;
        if (!(a[i] <= b[i] + tolerance[i])) return 0;
    }
    return 0;
}

/* Return the state in which a route is best ended; write how many breaks are missed. */
static State best_end(const Problem *p, int64_t kind, int64_t breaks, int64_t ways, const State *states,
                      double departure, int64_t *missed) {
    State chosen = states[0];
    End best = {(double)breaks + 1.0, INFINITY, INFINITY, INFINITY, INFINITY};
    double limit = smaller(p->end[kind], departure + p->longest[kind]);
    for (int64_t place = 0; place < (breaks + 1) * ways; place++) {
        const State *at = &states[place];
        if (!isfinite(at->clock) && place > 0) continue;
        double spent = at->clock - departure, extra = spent - p->regular_time[kind];
        int64_t lost = lost_after(p, kind, place / ways, breaks, at->clock);
        End end = {(double)lost, at->late, 0.0, at->price + p->per_time[kind] * spent, at->clock};
        if (extra > 0.0) end.price += p->overtime[kind] * extra;
        if (at->clock > limit) end.over = at->clock - limit;
        if (!comes_first(&end, &best)) continue;
        best = end;
        chosen = *at;
    }
    *missed = (int64_t)best.missed;
    return chosen;
}

/* Take all breaks of a driver where the route costs least; return the state in which it ends, its clock infinite
 * where no road leads: what was broken before is told all the same. */
State place_breaks(const Problem *p, const Layout *layout, double departure, int64_t ways, int64_t *missed) {
    int64_t kind = layout->kind, breaks = p->break_start[kind + 1] - p->break_start[kind];
    int64_t over = breaks_over_by(p, kind, breaks, departure);
    State states[(breaks + 1) * ways];
    for (int64_t place = 0; place < (breaks + 1) * ways; place++) states[place] = (State){INFINITY, INFINITY, 0.0, 0};
    for (int64_t taken = 0; taken <= over; taken++) states[taken * ways] = (State){departure, 0.0, 0.0, 0};
    for (int64_t i = 0; i < layout->count; i++)
        if (!drive_leg(p, kind, breaks, ways, &layout->legs[i], states)) {
            State end = best_end(p, kind, breaks, ways, states, departure, missed);
            end.clock = INFINITY;
            return end;
        }
    return best_end(p, kind, breaks, ways, states, departure, missed);
}
