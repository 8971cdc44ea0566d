/* Driving a route that is laid out, from a departure. */
#include "drive.h"

static const double SLACK = 1e-7; /* that of the referee, problems/routing/simulate/breaks.py */

typedef struct {
    double length, earliest, latest;
} Break;

/* Clock and lateness of a driver who has taken so many breaks, and what the way there cost. */
typedef struct {
    double clock, late, price;
    int broken;
} State;

static Break break_of(const Problem *p, int64_t kind, int64_t number) {
    int64_t at = p->break_start[kind] + number;
    Break found = {p->break_length[at], p->break_earliest[at], p->break_latest[at]};
    return found;
}

static double lateness(const Problem *p, int64_t head, double begin) {
    double over = begin - p->latest[head];
    return over > 0.0 ? over : 0.0;
}

/* Whether one state is less late than another, or equally late and earlier. */
static int is_better(const State *one, const State *other) {
    if (one->late < other->late - SLACK) return 1;
    return one->late <= other->late + SLACK && one->clock < other->clock;
}

static int64_t breaks_over_by(const Problem *p, int64_t kind, int64_t breaks, double departure) {
    double free = -INFINITY;
    int64_t done = 0;
    for (int64_t number = 0; number < breaks; number++) {
        Break rest = break_of(p, kind, number);
        double begins = larger(free, rest.earliest);
        free = begins + rest.length;
        if (begins > rest.latest) break;
        if (departure >= free - SLACK) done = number + 1;
    }
    return done;
}

/* Take a leg with no break, or as many as can be taken on it. */
static void drive_leg(const Problem *p, int64_t kind, int64_t breaks, const Leg *leg, const State *states,
                      State *best) {
    for (int64_t taken = 0; taken <= breaks; taken++) best[taken] = (State){INFINITY, INFINITY, INFINITY, 0};
    for (int64_t before = 0; before <= breaks; before++) {
        if (!isfinite(states[before].clock)) continue;
        double leave = states[before].clock, clock = leave;
        double duration = leg_duration(p, kind, leg, leave), remaining = duration;
        int possible = isfinite(duration);
        for (int64_t taken = before; possible && taken <= breaks; taken++) {
            if (taken > before) {
                Break rest = break_of(p, kind, taken - 1);
                double begins = larger(clock, rest.earliest);
                possible = begins <= rest.latest + SLACK;
                remaining -= smaller(begins - clock, remaining);
                clock = begins + rest.length;
                if (!possible) break;
            }
            double begin = leg_begin(p, leg, clock + remaining);
            double over = begin - p->due[leg->head];
            State next = {begin + leg->stay, states[before].late + (over > 0.0 ? over : 0.0), 0.0, 0};
            if (!is_better(&next, &best[taken])) continue;
            next.broken = states[before].broken | (begin > p->due_by[leg->head] ? BROKEN_WINDOW : 0);
            next.price =
                states[before].price + leg_price(p, kind, leg, leave, duration, lateness(p, leg->head, begin));
            best[taken] = next;
        }
    }
}

/* Return with how many breaks taken a route is best ended; write how many are missed. */
static int64_t best_end(const Problem *p, int64_t kind, int64_t breaks, const State *states, int64_t *missed) {
    int64_t chosen = 0;
    State best = {INFINITY, INFINITY, 0.0, 0};
    *missed = breaks + 1;
    for (int64_t taken = 0; taken <= breaks; taken++) {
        double free = states[taken].clock;
        int64_t lost = 0;
        if (!isfinite(free) && taken > 0) continue;
        for (int64_t number = taken; number < breaks; number++) {
            Break rest = break_of(p, kind, number);
            double begins = larger(free, rest.earliest);
            if (begins > rest.latest + SLACK) lost++;
            else free = begins + rest.length;
        }
        if (lost < *missed || (lost == *missed && is_better(&states[taken], &best))) {
            best = states[taken];
            chosen = taken;
            *missed = lost;
        }
    }
    return chosen;
}

/* Whether a vehicle leaves when it cannot have: in the past, or at another time than it did. */
static int leaves_wrongly(const Problem *p, const Layout *layout, double departure) {
    double left = p->has_left[layout->slot], nearly = 5e-7 * smaller(1.0, larger(fabs(left), 1e-3));
    if (departure < p->left_limit[layout->slot]) return 1;
    return layout->has_left && fabs(departure - left) > nearly;
}

static Score with_time(const Problem *p, const Layout *layout, double departure, State end, int64_t broken) {
    int64_t kind = layout->kind;
    double spent = end.clock - departure, over = spent - p->regular_time[kind];
    Score score = {end.price, departure, end.clock, layout->broken | end.broken};
    if (departure < p->start_from[kind]) score.broken |= BROKEN_SHIFT;
    if (departure < layout->released) score.broken |= BROKEN_RELEASE;
    if (p->bound && leaves_wrongly(p, layout, departure)) score.broken |= BROKEN_STARTED;
    if (!isfinite(end.clock)) {
        score.broken |= BROKEN_ROAD;
        score.price = score.finish = INFINITY;
        return score;
    }
    score.broken |= broken;
    score.price += p->fixed[kind] + p->per_time[kind] * spent;
    if (over > 0.0) score.price += p->overtime[kind] * over;
    if (end.clock > p->end[kind]) score.broken |= BROKEN_SHIFT;
    if (spent > p->longest[kind]) score.broken |= BROKEN_DURATION;
    return score;
}

static Score drive_with_breaks(const Problem *p, const Layout *layout, double departure, int64_t breaks) {
    State states[breaks + 1], next[breaks + 1];
    int64_t over = breaks_over_by(p, layout->kind, breaks, departure), missed = 0;
    for (int64_t taken = 0; taken <= breaks; taken++)
        states[taken] = taken <= over ? (State){departure, 0.0, 0.0, 0} : (State){INFINITY, INFINITY, 0.0, 0};
    for (int64_t i = 0; i < layout->count; i++) {
        drive_leg(p, layout->kind, breaks, &layout->legs[i], states, next);
        int gets_there = 0;
        for (int64_t taken = 0; taken <= breaks; taken++) gets_there |= isfinite(next[taken].clock);
        if (!gets_there) { /* what was broken before is told all the same */
            State end = states[best_end(p, layout->kind, breaks, states, &missed)];
            end.clock = INFINITY;
            return with_time(p, layout, departure, end, 0);
        }
        for (int64_t taken = 0; taken <= breaks; taken++) states[taken] = next[taken];
    }
    int64_t chosen = best_end(p, layout->kind, breaks, states, &missed);
    return with_time(p, layout, departure, states[chosen], missed && layout->count ? BROKEN_BREAK : 0);
}

Score drive_without_breaks(const Problem *p, const Layout *layout, double departure, Times times) {
    int64_t kind = layout->kind;
    State at = {departure, 0.0, 0.0, 0};
    for (int64_t i = 0; i < layout->count && isfinite(at.clock); i++) {
        const Leg *leg = &layout->legs[i];
        double leave = at.clock, spent = leg_duration(p, kind, leg, leave);
        double begin = leg_begin(p, leg, leave + spent);
        if (times.leave) times.leave[i] = leave;
        if (times.arrive) times.arrive[i] = leave + spent;
        at.clock = begin + leg->stay;
        if (!isfinite(spent)) continue; /* nobody is late where no road leads */
        at.price += leg_price(p, kind, leg, leave, spent, lateness(p, leg->head, begin));
        if (begin > p->due_by[leg->head]) at.broken |= BROKEN_WINDOW;
    }
    return with_time(p, layout, departure, at, 0);
}

/* Drive a route; what it costs where rules are broken is told as well. */
Score drive(const Problem *p, const Layout *layout, double departure, Times times) {
    int64_t breaks = p->break_start[layout->kind + 1] - p->break_start[layout->kind];
    if (!breaks) return drive_without_breaks(p, layout, departure, times);
    if (times.leave) drive_without_breaks(p, layout, departure, times);
    return drive_with_breaks(p, layout, departure, breaks);
}

/* Take breaks on a leg as soon as they may begin, while driving or waiting, or before they may no longer; return
 * whether none is missed. `at` is the clock, `begin` when service would begin without a break. */
static int rest_on_the_way(const Problem *p, const Layout *layout, const Leg *leg, int64_t breaks, int64_t *taken,
                           double leave, double spent, double *begin) {
    double clock = leave, remaining = spent;
    while (*taken < breaks) {
        Break rest = break_of(p, layout->kind, *taken);
        double begins = larger(clock, rest.earliest);
        if (begins > *begin && *begin + leg->stay <= rest.latest) return 1;
        if (begins > rest.latest + SLACK) return 0;
        remaining -= smaller(begins - clock, remaining);
        clock = begins + rest.length;
        *begin = leg_begin(p, leg, clock + remaining);
        ++*taken;
    }
    return 1;
}

/* Return the price of a route, infinite where it breaks a rule; `most` as soon as it is clear that it costs no less.
 *
 * This is for ranking: breaks are taken as soon as they may be, where drive() looks for the legs that suit best. */
double drive_price(const Problem *p, const Layout *layout, double departure, double most) {
    int64_t kind = layout->kind, breaks = p->break_start[kind + 1] - p->break_start[kind];
    if (layout->broken) return INFINITY;
    int64_t taken = breaks ? breaks_over_by(p, kind, breaks, departure) : 0;
    State at = {departure, 0.0, 0.0, 0};
    double left = most - p->fixed[kind];
    for (int64_t i = 0; i < layout->count; i++) {
        const Leg *leg = &layout->legs[i];
        double leave = at.clock, spent = leg_duration(p, kind, leg, leave);
        double begin = leg_begin(p, leg, leave + spent);
        if (taken < breaks && isfinite(begin) &&
            !rest_on_the_way(p, layout, leg, breaks, &taken, leave, spent, &begin))
            return INFINITY;
        if (!(begin <= p->due_by[leg->head]) || begin > p->end[kind]) return INFINITY;
        at.price += leg_price(p, kind, leg, leave, spent, lateness(p, leg->head, begin));
        if (!(at.price < left)) return most;
        at.clock = begin + leg->stay;
    }
    Score score = with_time(p, layout, departure, at, 0);
    return score.broken ? INFINITY : smaller(score.price, most);
}
