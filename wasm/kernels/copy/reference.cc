#include "kernels/copy/element.h"

namespace kinglet::kernels {

void copy_box_reference(const Box& box, int bytes, const void* source, void* target) {
  with_element(bytes, [&]<class T>() {
    std::vector<int64_t> index(box.dims.size());
    for (const Box::Dim& d : box.dims) {
      if (d.extent == 0) return;
    }
    for (bool more = true; more;) {
      int64_t from = box.source_offset, to = box.target_offset;
      for (size_t i = 0; i < index.size(); ++i) {
        from += index[i] * box.dims[i].source;
        to += index[i] * box.dims[i].target;
      }
      static_cast<T*>(target)[to] = static_cast<const T*>(source)[from];
      more = false;
      for (size_t i = index.size(); i-- > 0 && !more;) {
        more = ++index[i] < box.dims[i].extent;
        if (!more) index[i] = 0;
      }
    }
  });
}

}  // namespace kinglet::kernels
