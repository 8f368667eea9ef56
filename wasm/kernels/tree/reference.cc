#include "kernels/tree/internal.h"

namespace kinglet::kernels {

template <class T>
void run_trees_reference(const Trees<T>& trees, const T* x, size_t rows, size_t columns, double* scores) {
  for (size_t r = 0; r < rows; ++r) {
    double* out = scores + r * trees.outputs;
    for (size_t t = 0; t < trees.outputs; ++t) out[t] = unset_score(trees.aggregate);
    for (int32_t place : trees.roots) {
      auto node = load_node<T>(trees.nodes.data() + place);
      while (!is_leaf(node)) {
        TreeKey<T> value = key_of(x[r * columns + static_cast<size_t>(node.feature & kFeatureMask)]);
        bool first;
        if (value == kNanKey<T>)
          first = (node.feature & kNanFirst) != 0;
        else if ((node.feature & kEqualNode) != 0)
          first = value == node.value;
        else
          first = value <= node.value;
        node = load_node<T>(trees.nodes.data() + node.child + (first ? 0 : sizeof(T)));
      }
      add_leaf(trees, leaf_number(node), out);
    }
    finish_scores(trees, out, trees.outputs);
  }
}

template void run_trees_reference(const Trees<float>&, const float*, size_t, size_t, double*);
template void run_trees_reference(const Trees<double>&, const double*, size_t, size_t, double*);

}  // namespace kinglet::kernels
