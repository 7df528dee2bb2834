/* list.h: the kinds of layer, in the order of the document.  Each is `mot_layer_<name>` in a file of
 * this folder, which may hold a family of them.
 */
#ifndef MOT_MODEL_LAYER_LIST_H
#define MOT_MODEL_LAYER_LIST_H

#define MOT_LAYERS(X)                                                                              \
    X(flatten)                                                                                     \
    X(linear)                                                                                      \
    X(conv2d)                                                                                      \
    X(conv2d_transpose)                                                                            \
    X(max_pool2d)                                                                                  \
    X(avg_pool2d)                                                                                  \
    X(global_avg_pool)                                                                             \
    X(relu)                                                                                        \
    X(gelu)                                                                                        \
    X(silu)                                                                                        \
    X(sigmoid)                                                                                     \
    X(tanh)                                                                                        \
    X(leaky_relu)                                                                                  \
    X(batch_norm)                                                                                  \
    X(layer_norm)                                                                                  \
    X(rms_norm)                                                                                    \
    X(group_norm)                                                                                  \
    X(dropout)                                                                                     \
    X(add)                                                                                         \
    X(concat)                                                                                      \
    X(reshape)                                                                                     \
    X(permute)                                                                                     \
    X(slice)                                                                                       \
    X(pad)                                                                                         \
    X(mean)                                                                                        \
    X(sum)                                                                                         \
    X(embedding)                                                                                   \
    X(position)                                                                                    \
    X(attention)                                                                                   \
    X(lstm)                                                                                        \
    X(gru)

#endif
