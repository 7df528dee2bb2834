/* evaluation.h: how well a network does, as people read it. */
#ifndef MOT_TOOLS_EVALUATION_H
#define MOT_TOOLS_EVALUATION_H

#include "runtime/motley.h"
#include "tools/terminal.h"

/** What follows from the counts of one class; NaN where nothing is counted. */
typedef struct mot_class_scores {
    double precision, recall, f1;
} mot_class_scores;
mot_class_scores mot_class_scores_of(const mot_evaluation *evaluation, int64_t i);
/** Their means over the classes that occur, as label or as prediction; what is not a number counts
 *  as 0. */
mot_class_scores mot_class_scores_mean(const mot_evaluation *evaluation);

/** Print a line of measures of the part called `name`, `n` samples, and tables of the classes where
 *  they are not too many.  `token`: see mot_report. */
void mot_evaluation_print(const mot_terminal *terminal, const char *name, int64_t n,
                          const char *token, const mot_evaluation *evaluation);

#endif
