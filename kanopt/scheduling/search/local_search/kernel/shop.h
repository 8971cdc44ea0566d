/* A shop in whole time steps and whole units of cost, and a schedule of it that is searched. */
#ifndef SHOP_H
#define SHOP_H

#include <stdint.h>

#include "../../../../engines/compiled/export.h"
#include "../../../../engines/compiled/random.h"

/* `scheduling/search/local_search.py` has the same fields in the same order. Families count from 0, which is none and leaves
 * a machine as it was set up. */
typedef struct {
    int64_t tasks, jobs, machines, modes, families, windows, pieces;
    const int32_t *task_job, *previous, *next, *last; /* the tasks around each in its job, -1 where none; by job */
    const int32_t *task_family, *machine_family;
    const int32_t *mode_start, *mode_task, *mode_machine; /* modes lie by task: those of one are mode_start[task] … */
    const int64_t *duration;                              /* by mode */
    const int64_t *release, *due, *tardiness;   /* by job; tardiness costs nothing where nothing is promised */
    const int64_t *setup;                       /* machine, family before, family after */
    const int64_t *opens, *closes, *windows_of; /* machine, window; how many windows each machine has */
    const int64_t *edges;                       /* pieces + 1: when the price of power changes */
    const int64_t *energy, *until;              /* mode, piece: cost of a step, and of all before the piece */
    const int64_t *running;                     /* by mode */
    const int64_t *tail;                        /* by task: the shortest time of all after it in its job */
    int64_t makespan, over, least; /* a step of makespan, or past the last window, costs; energy at least */
} Shop;

/* A schedule: modes, the order on every machine, and the time before which each task is held back; starts follow,
 * each as soon as all that allows. `order` is an order of all tasks in which each stands after those it waits for. */
typedef struct {
    const Shop *p;
    int32_t *mode, *before, *after, *first, *last; /* the tasks around each on its machine; by machine */
    int32_t *order, *place, *family;               /* the family that the machine is set up for after each task */
    int64_t *start, *end, *hold, *paid;
    int64_t cost, over, energy;

    int32_t *waiting; /* whether a task is to be timed again */
    int64_t waiting_count, waiting_from;
    int32_t *changed, *changed_family; /* what the last move changed, to undo it */
    int64_t *changed_start, *changed_end, *changed_paid, changed_count;
    int32_t *is_marked, *segment, *marked;
    int64_t segment_low, segment_count;
    int32_t moved, moved_mode, moved_before;
    int64_t moved_hold, cost_before, over_before, energy_before;

    int32_t *path;
    int64_t path_count, path_known; /* the tasks of a critical path, the last one first */

    int32_t *best_mode;
    int64_t *best_start, *best_hold, best_cost, best_over;

    uint64_t random;
    int64_t steps, accepted, improved, work, failed;
    int32_t *piece_at; /* the piece of the first step of each bucket of 2^shift steps */
    int64_t shift, buckets;
    double *keys;
} Search;

/* timing.c */
int64_t shop_ready(const Search *s, int32_t task, int32_t *by);
int64_t shop_in_window(const Shop *p, int32_t machine, int64_t ready, int64_t duration);
int64_t shop_paid(const Search *s, int32_t mode, int64_t start, int64_t end);
int64_t shop_piece(const Search *s, int64_t time);
void shop_wait(Search *s, int32_t task);
int shop_time(Search *s, double most);
void shop_undo(Search *s);

/* moves.c */
int shop_move(Search *s, int32_t task, int32_t mode, int32_t behind, double most);
int shop_hold(Search *s, int32_t task, int64_t hold, double most);
int64_t shop_best_hold(Search *s, int32_t task);
int shop_try(Search *s, double most);
double shop_probe(Search *s);

#endif
