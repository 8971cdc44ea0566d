/* Moves: a task goes elsewhere on a machine, to another machine or mode, or is held back until power is cheap. */
#include <math.h>
#include <string.h>

#include "shop.h"

enum { JOB = 0, MACHINE = 1, HELD = 2, NOTHING = 3 };

static void take_out(Search *s, int32_t task) {
    int32_t machine = s->p->mode_machine[s->mode[task]], before = s->before[task], after = s->after[task];
    if (before >= 0) s->after[before] = after;
    else s->first[machine] = after;
    if (after >= 0) s->before[after] = before;
    else s->last[machine] = before;
}

/* Put a task behind another on the machine of its mode, first where `behind` is -1. */
static void put_behind(Search *s, int32_t task, int32_t behind) {
    int32_t machine = s->p->mode_machine[s->mode[task]];
    int32_t after = behind >= 0 ? s->after[behind] : s->first[machine];
    s->before[task] = behind;
    s->after[task] = after;
    if (behind >= 0) s->after[behind] = task;
    else s->first[machine] = task;
    if (after >= 0) s->before[after] = task;
    else s->last[machine] = task;
}

static void keep_segment(Search *s, int64_t low, int64_t high) {
    s->segment_low = low;
    s->segment_count = high - low + 1;
    memcpy(s->segment, s->order + low, (size_t)s->segment_count * sizeof *s->segment);
}

static void set_place(Search *s, int64_t place, int32_t task) {
    s->order[place] = task;
    s->place[task] = (int32_t)place;
}

/* Let a task, and what waits for it, come after all others up to `other` in the order; return 0 where `other` waits
 * for the task (Pearce and Kelly 2006 keep an order so). Links are as they shall be. */
static int order_behind(Search *s, int32_t task, int32_t other) {
    const Shop *p = s->p;
    int64_t low = s->place[task], high = s->place[other], count = 0, to = low;
    keep_segment(s, low, high);
    s->is_marked[task] = 1;
    s->marked[count++] = task;
    for (int64_t at = low + 1; at <= high; at++) {
        int32_t x = s->order[at], previous = p->previous[x], before = s->before[x];
        if ((previous >= 0 && s->is_marked[previous]) || (before >= 0 && s->is_marked[before])) {
            s->is_marked[x] = 1;
            s->marked[count++] = x;
        }
    }
    int fits = !s->is_marked[other];
    for (int64_t at = low + 1; fits && at <= high; at++) {
        int32_t x = s->segment[at - low];
        if (!s->is_marked[x]) set_place(s, to++, x);
    }
    for (int64_t k = 0; k < count; k++) {
        s->is_marked[s->marked[k]] = 0;
        if (fits) set_place(s, to++, s->marked[k]);
    }
    if (!fits) s->segment_count = 0;
    return fits;
}

/* Let a task, and what it waits for, come before all others from `other` on. */
static int order_ahead(Search *s, int32_t task, int32_t other) {
    const Shop *p = s->p;
    int64_t low = s->place[other], high = s->place[task], count = 0, to = high;
    keep_segment(s, low, high);
    s->is_marked[task] = 1;
    s->marked[count++] = task;
    for (int64_t at = high - 1; at >= low; at--) {
        int32_t x = s->order[at], next = p->next[x], after = s->after[x];
        if ((next >= 0 && s->is_marked[next]) || (after >= 0 && s->is_marked[after])) {
            s->is_marked[x] = 1;
            s->marked[count++] = x;
        }
    }
    int fits = !s->is_marked[other];
    for (int64_t at = high - 1; fits && at >= low; at--) {
        int32_t x = s->segment[at - low];
        if (!s->is_marked[x]) set_place(s, to--, x);
    }
    for (int64_t k = 0; k < count; k++) {
        s->is_marked[s->marked[k]] = 0;
        if (fits) set_place(s, to--, s->marked[k]);
    }
    if (!fits) s->segment_count = 0;
    return fits;
}

static void undo_links(Search *s) {
    take_out(s, s->moved);
    s->mode[s->moved] = s->moved_mode;
    s->hold[s->moved] = s->moved_hold;
    put_behind(s, s->moved, s->moved_before);
    for (int64_t k = 0; k < s->segment_count; k++) set_place(s, s->segment_low + k, s->segment[k]);
}

static void begin_move(Search *s, int32_t task) {
    s->moved = task;
    s->moved_mode = s->mode[task];
    s->moved_before = s->before[task];
    s->moved_hold = s->hold[task];
    s->segment_count = 0;
    s->cost_before = s->cost;
    s->over_before = s->over;
    s->energy_before = s->energy;
}

static int end_move(Search *s, double most) {
    if (shop_time(s, most)) {
        s->path_known = 0;
        return 1;
    }
    shop_undo(s);
    undo_links(s);
    return 0;
}

/* Run a task in a mode behind another task of that machine (-1: first). Return whether that is possible and costs at
 * most `most`; otherwise nothing is changed. */
int shop_move(Search *s, int32_t task, int32_t mode, int32_t behind, double most) {
    if (behind == task || (mode == s->mode[task] && behind == s->before[task])) return 0;
    begin_move(s, task);
    int32_t left = s->after[task];
    take_out(s, task);
    s->mode[task] = mode;
    put_behind(s, task, behind);
    int32_t after = s->after[task];
    int fits = 1;
    if (behind >= 0 && s->place[behind] > s->place[task]) fits = order_behind(s, task, behind);
    else if (after >= 0 && s->place[after] < s->place[task]) fits = order_ahead(s, task, after);
    s->work += 2 + s->segment_count / 4;
    if (!fits) {
        undo_links(s);
        return 0;
    }
    shop_wait(s, task);
    shop_wait(s, left);
    shop_wait(s, after);
    return end_move(s, most);
}

/* Hold a task back until a time; as :func:`shop_move`. */
int shop_hold(Search *s, int32_t task, int64_t hold, double most) {
    if (hold == s->hold[task]) return 0;
    begin_move(s, task);
    s->hold[task] = hold;
    shop_wait(s, task);
    return end_move(s, most);
}

/* Return how late a task may start without moving what waits for it. */
static int64_t slack_until(const Search *s, int32_t task) {
    const Shop *p = s->p;
    int32_t next = p->next[task], after = s->after[task], mode = s->mode[task];
    int64_t end = INT64_MAX;
    if (next >= 0) end = s->start[next];
    else {
        int64_t longest = 0, job = p->task_job[task], done = s->end[task];
        if (p->makespan)
            for (int64_t k = 0; k < p->jobs; k++)
                longest = s->end[p->last[k]] > longest ? s->end[p->last[k]] : longest;
        if (p->makespan) end = longest;
        if (p->tardiness[job]) {
            int64_t due = p->due[job] > done ? p->due[job] : done;
            end = due < end ? due : end;
        }
        if (end == INT64_MAX) end = p->edges[p->pieces];
    }
    if (after >= 0) {
        int64_t gap =
            p->setup[(p->mode_machine[mode] * p->families + s->family[task]) * p->families + p->task_family[after]];
        end = s->start[after] - gap < end ? s->start[after] - gap : end;
    }
    return end - p->duration[mode];
}

/* Return from when on a task is best run, without moving any other: where it starts or ends as the price changes. */
int64_t shop_best_hold(Search *s, int32_t task) {
    const Shop *p = s->p;
    int32_t mode = s->mode[task], machine = p->mode_machine[mode], by;
    int64_t kept = s->hold[task], duration = p->duration[mode];
    s->hold[task] = 0;
    int64_t ready = shop_ready(s, task, &by), latest = slack_until(s, task);
    s->hold[task] = kept;
    int64_t best = shop_in_window(p, machine, ready, duration), found = 0;
    int64_t least = shop_paid(s, mode, best, best + duration);
    for (int64_t k = shop_piece(s, ready); k < p->pieces && p->edges[k] <= latest + duration; k++)
        for (int side = 0; side < 2; side++) {
            int64_t start = p->edges[k] - (side ? duration : 0);
            if (start <= ready || start > latest) continue;
            if (shop_in_window(p, machine, start, duration) != start) continue;
            int64_t paid = shop_paid(s, mode, start, start + duration);
            s->work++;
            if (paid < least) {
                least = paid;
                found = start;
            }
        }
    return found;
}

static void find_path(Search *s) {
    const Shop *p = s->p;
    int32_t end = -1;
    int64_t longest = -1, late = 0;
    for (int64_t job = 0; job < p->jobs; job++) {
        int64_t done = s->end[p->last[job]];
        if (done > longest) {
            longest = done;
            end = p->last[job];
        }
        if (done > p->due[job]) late += p->tardiness[job] * (done - p->due[job]);
    }
    double share = random_share(&s->random) * ((double)late + (double)p->makespan * (double)longest);
    for (int64_t job = 0; late && job < p->jobs; job++) {
        int64_t done = s->end[p->last[job]];
        if (done <= p->due[job]) continue;
        share -= (double)p->tardiness[job] * (double)(done - p->due[job]);
        if (share < 0) {
            end = p->last[job];
            break;
        }
    }
    s->path_count = 0;
    s->path_known = late ? 0 : 1;
    for (int32_t task = end, by; task >= 0;) {
        s->path[s->path_count++] = task;
        shop_ready(s, task, &by);
        if (by == JOB) task = p->previous[task];
        else if (by == MACHINE) task = s->before[task];
        else break;
    }
}

/* Move a task of a block of the critical path to its head or tail, or exchange two neighbours (Nowicki and Smutnicki
 * 1996; Balas and Vazacopoulos 1998). */
static int move_on_path(Search *s, double most) {
    int64_t at = random_below(&s->random, s->path_count), high = at, low = at;
    while (high + 1 < s->path_count && s->before[s->path[high]] == s->path[high + 1]) high++;
    while (low > 0 && s->before[s->path[low - 1]] == s->path[low]) low--;
    if (high == low) return -1; /* a block of one task */
    double choice = random_share(&s->random);
    int32_t task, behind;
    if (choice < 0.5) { /* neighbours at an end of the block */
        int64_t later = high - low > 1 && random_share(&s->random) < 0.5 ? low : high - 1;
        task = s->path[later];
        behind = s->before[s->path[later + 1]];
    } else if (choice < 0.75) { /* behind the last of the block */
        if (at == low) at = low + 1 + random_below(&s->random, high - low);
        task = s->path[at];
        behind = s->path[low];
    } else { /* ahead of the first */
        if (at == high) at = low + random_below(&s->random, high - low);
        task = s->path[at];
        behind = s->before[s->path[high]];
    }
    return shop_move(s, task, s->mode[task], behind, most);
}

/* Return a task of a machine behind which another may run: one that begins at about a time. */
static int32_t near_time(Search *s, int32_t machine, int32_t task, int64_t time) {
    int32_t behind = s->last[machine];
    while (behind >= 0 && (behind == task || s->start[behind] >= time)) {
        behind = s->before[behind];
        s->work += 1;
    }
    while (random_share(&s->random) < 0.5) { /* a little later */
        int32_t next = behind >= 0 ? s->after[behind] : s->first[machine];
        if (next == task && next >= 0) next = s->after[next];
        if (next < 0) break;
        behind = next;
    }
    if (behind >= 0 && random_share(&s->random) < 0.15)
        behind = s->before[behind] == task ? s->before[task] : s->before[behind];
    return behind;
}

/* Run a task in another mode, or elsewhere. */
static int move_elsewhere(Search *s, int32_t task, double most) {
    const Shop *p = s->p;
    int32_t modes = p->mode_start[task + 1] - p->mode_start[task], mode = s->mode[task];
    if (modes > 1 && random_share(&s->random) < 0.9) {
        mode = p->mode_start[task] + (int32_t)random_below(&s->random, modes - 1);
        if (mode >= s->mode[task]) mode++;
    }
    int32_t machine = p->mode_machine[mode], behind = s->before[task];
    if (machine != p->mode_machine[s->mode[task]] || mode == s->mode[task] || random_share(&s->random) < 0.3) {
        int32_t previous = p->previous[task];
        int64_t time = previous >= 0 ? s->end[previous] : p->release[p->task_job[task]];
        if (random_share(&s->random) < 0.3) time = s->start[task];
        behind = near_time(s, machine, task, time);
    }
    return shop_move(s, task, mode, behind, most);
}

/* Hold a task back until the price of power changes, or no longer. */
static int move_hold(Search *s, int32_t task, double most) {
    const Shop *p = s->p;
    double choice = random_share(&s->random);
    if (choice < 0.5) return shop_hold(s, task, shop_best_hold(s, task), most);
    if (choice < 0.65) return shop_hold(s, task, 0, most);
    int32_t mode = s->mode[task];
    int64_t edge = p->edges[random_below(&s->random, p->pieces)], duration = p->duration[mode];
    if (choice < 0.9) { /* a change of price that is near */
        int64_t piece = shop_piece(s, s->start[task]) + random_below(&s->random, 9) - 4;
        if (piece < 0 || piece >= p->pieces) return 0;
        edge = p->edges[piece];
    }
    int64_t hold = edge - (random_share(&s->random) < 0.5 ? duration : 0);
    return hold > 0 ? shop_hold(s, task, hold, most) : 0;
}

/* Try one move; return whether it was made. */
int shop_try(Search *s, double most) {
    const Shop *p = s->p;
    int has_prices = p->pieces > 1, is_flexible = p->modes > p->tasks;
    double choice = random_share(&s->random);
    if (has_prices && choice < 0.35) {
        int32_t task = (int32_t)random_below(&s->random, p->tasks);
        return move_hold(s, task, most);
    }
    if (is_flexible && choice > 0.9 - 0.1 * has_prices) {
        int32_t task = (int32_t)random_below(&s->random, p->tasks);
        return move_elsewhere(s, task, most);
    }
    if (!is_flexible && choice > 0.98) return move_elsewhere(s, (int32_t)random_below(&s->random, p->tasks), most);
    if (!s->path_known || !s->path_count) find_path(s);
    if (is_flexible && choice > 0.65) {
        int32_t task = s->path[random_below(&s->random, s->path_count)];
        return move_elsewhere(s, task, most);
    }
    if (has_prices && choice < 0.4) {
        int32_t task = s->path[s->path_count - 1];
        return s->hold[task] ? shop_hold(s, task, 0, most) : 0;
    }
    int done = move_on_path(s, most);
    if (done >= 0) return done;
    return is_flexible || random_share(&s->random) < 0.02
               ? move_elsewhere(s, s->path[random_below(&s->random, s->path_count)], most)
               : 0;
}

/* Try one move and take it back; return by how much it makes the schedule dearer, less than 0 where it does not. */
double shop_probe(Search *s) {
    if (!shop_try(s, HUGE_VAL)) return -1.0;
    double more = (double)(s->cost - s->cost_before) + (double)s->p->over * (double)(s->over - s->over_before);
    shop_undo(s);
    undo_links(s);
    s->path_known = 0;
    return more;
}
