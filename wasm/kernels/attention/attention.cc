// Blocks of rows (queries of the heads that share keys) by blocks of keys. For each row a running maximum,
// sum and weighted sum of values: when a block raises the maximum, what was summed before is scaled down.
#include "kernels/attention/attention.h"

#include <algorithm>
#include <limits>

#include "base/checked.h"
#include "kernels/attention/visible.h"
#include "kernels/cast/runs.h"
#include "kernels/matmul/pack.h"
#include "kernels/matmul/tile.h"

namespace kinglet {

namespace {

using V = Vec<float>;
using W = vec<float, kPanelWidth<float>>;
constexpr float kNone = -std::numeric_limits<float>::infinity();
constexpr size_t kKeys = 128;  // of a block; a multiple of the panel width
constexpr size_t kRows = 128;  // of a block
// Fewer rows read keys and values in place: packing them would take longer than using them.
constexpr size_t kFewRows = 6;

// Scores beside which exponentials of those that biases up to kHides leave are 0.
constexpr float kSeen = -1e20f, kHides = -1e30f;

// Scratch of one thread, in floats.
struct Layout {
  size_t q, k, v, s, y, total;
};

size_t padded(size_t n) { return align_up(n, kPanelWidth<float>); }

Result<Layout> layout_of(const Attention<float>& a) {
  Layout l{};
  size_t at = 0;
  auto place = [&](size_t rows, size_t columns, size_t* offset) -> Status {
    KL_ASSIGN(size_t count, checked_mul(rows, columns));
    *offset = at;
    KL_ASSIGN(at, checked_add(at, align_up(count, 16)));
    return {};
  };
  KL_REQUIRE(std::max(a.head_size, a.value_size) < (size_t{1} << 28), kLimitExceeded, "heads are too large");
  KL_TRY(place(kRows, a.head_size, &l.q));
  KL_TRY(place(kKeys, a.head_size, &l.k));
  KL_TRY(place(kKeys, padded(a.value_size), &l.v));
  KL_TRY(place(kRows, kKeys, &l.s));
  KL_TRY(place(kRows, a.value_size, &l.y));
  l.total = at;
  return l;
}

// C (+)= A B for rows of A in place and packed B: c has `columns` columns, A's rows are `depth` long.
void multiply(size_t rows, size_t columns, size_t depth, const float* a, size_t a_row, const float* b,
              float* c, size_t c_row, bool add) {
  StripSplit split(rows, kStripRows<float>);
  for (size_t i = 0; i < split.count; ++i) {
    size_t row = split.begin(i);
    Strip<float> s{};
    s.k = depth;
    s.n = columns;
    s.a = a + row * a_row;
    s.a_row = a_row;
    s.b = b;
    s.b_panel = depth * kPanelWidth<float>;
    s.c = c + row * c_row;
    s.c_row = c_row;
    s.init = add ? s.c : nullptr;
    s.lo = kNone;
    s.hi = -kNone;
    kStrips<float, false, BForm::kPanels>[split.rows(i) - 1](s);
  }
}

// One row times two, `step` apart.
void dots(const float* x, const float* y, size_t step, size_t n, float* out) {
  const float* z = y + step;
  V a = V::splat(0), b = a, c = a, d = a;
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    V p = V::load(x + i), q = V::load(x + i + 4);
    a = madd(p, V::load(y + i), a);
    b = madd(q, V::load(y + i + 4), b);
    c = madd(p, V::load(z + i), c);
    d = madd(q, V::load(z + i + 4), d);
  }
  float first = sum(a + b), second = sum(c + d);
#pragma clang loop unroll(disable) vectorize(disable)
  for (; i < n; ++i) first += x[i] * y[i], second += x[i] * z[i];
  out[0] = first;
  out[1] = second;
}

// n: a multiple of the lanes. A NaN is never the largest.
[[gnu::noinline]] float largest_of(const float* x, size_t n, float at_least) {
  W most = W::splat(at_least);
  for (size_t i = 0; i < n; i += W::kLanes) most = max(most, W::load(x + i));
  float lanes[W::kLanes];
  most.store(lanes);
  for (float lane : lanes) at_least = std::max(at_least, lane);
  return at_least;
}

class Task {
 public:
  // Rows [first, first + rows) of the heads that share head `kv`; row r is query r % queries of their head
  // r / queries.
  Task(const Attention<float>& a, float* scratch, const Layout& l, size_t b, size_t kv, size_t first,
       size_t rows)
      : a_(a), b_(b), kv_(kv), first_(first), rows_(rows) {
    q_ = scratch + l.q;
    k_ = scratch + l.k;
    v_ = scratch + l.v;
    s_ = scratch + l.s;
    y_ = scratch + l.y;
  }

  void run(Parallel& pool) {
    size_t begin = a_.keys, end = 0;
    for (size_t r = 0; r < rows_; ++r) {
      Row& row = row_[r];
      row.head = kv_ * (a_.heads / a_.kv_heads) + (first_ + r) / a_.queries;
      row.query = (first_ + r) % a_.queries;
      row.visible = visible_keys(a_, b_, row.query);
      row.largest = a_.sink ? a_.sink[row.head] : a_.smooth ? 0 : kNone;
      row.sum = row.largest == kNone ? 0 : 1;
      if (row.visible.begin < row.visible.end) {
        begin = std::min(begin, row.visible.begin);
        end = std::max(end, row.visible.end);
      }
      const float* q = a_.q + at(a_.q_strides, row.head, row.query);
      for_lanes<float>(a_.head_size, [&]<class L>(size_t i) {
        (L::load(q + i) * L::splat(a_.scale)).store(q_ + r * a_.head_size + i);
      });
    }
    std::fill_n(y_, rows_ * a_.value_size, 0.0f);
    if (a_.scores) begin = 0, end = a_.keys;  // every score is wanted
    for (size_t j = begin; j < end && !cancelled(pool); j += kKeys) {
      size_t n = std::min(kKeys, end - j);
      if (!weightless(j, n)) block(j, n);
    }
    for (size_t r = 0; r < rows_; ++r) finish(r);
  }

 private:
  struct Row {
    size_t head, query;
    Visible visible;
    float largest, sum;
  };

  size_t at(const HeadStrides& s, size_t head, size_t row) const {
    return b_ * s.batch + head * s.head + row * s.row;
  }

  // Whether the biases leave keys [j, j + n) no weight beside those that each row has seen.
  bool weightless(size_t j, size_t n) const {
    const ScoreBias<float>& bias = a_.bias[0];
    if (bias.data == nullptr || a_.scores != nullptr || bias.columns < j + n || bias.columns == kOneColumn)
      return false;
    size_t whole = n / W::kLanes * W::kLanes;
    for (size_t r = 0; r < rows_; ++r) {
      const Row& row = row_[r];
      const float* add = bias.data + at(bias.strides, row.head, row.query) + j;
      if (row.largest < kSeen || add[0] > kHides || largest_of(add, whole, kNone) > kHides) return false;
#pragma clang loop unroll(disable) vectorize(disable)
      for (size_t i = whole; i < n; ++i) {
        if (add[i] > kHides) return false;
      }
    }
    return true;
  }

  void block(size_t j, size_t n) {
    const float* k = a_.k + at(a_.k_strides, kv_, j);
    const float* v = a_.v + at(a_.v_strides, kv_, j);
    if (rows_ < kFewRows) {
      // A last key goes twice: a row of scores has room for one more.
      size_t step = a_.k_strides.row;
      for (size_t c = 0; c < n; c += 2) {
        for (size_t r = 0; r < rows_; ++r)
          dots(q_ + r * a_.head_size, k + c * step, c + 1 < n ? step : 0, a_.head_size, s_ + r * kKeys + c);
      }
    } else {
      pack_panels<float>({k, 1, a_.k_strides.row}, 0, a_.head_size, 0, n, 1, k_);
      multiply(rows_, n, a_.head_size, q_, a_.head_size, k_, s_, kKeys, false);
    }
    for (size_t r = 0; r < rows_; ++r) weigh(r, j, n);
    if (rows_ < kFewRows) {
      for (size_t r = 0; r < rows_; ++r) add_values(s_ + r * kKeys, v, n, y_ + r * a_.value_size);
    } else {
      pack_panels<float>({v, a_.v_strides.row, 1}, 0, n, 0, a_.value_size, 1, v_);
      multiply(rows_, a_.value_size, n, s_, kKeys, v_, y_, a_.value_size, true);
    }
  }

  // y += p V for one row, eight keys at a time.
  void add_values(const float* p, const float* v, size_t n, float* y) const {
    size_t step = a_.v_strides.row;
    size_t j = 0;
    for (; j + 8 <= n; j += 8, v += 8 * step) {
      float w[8];
      std::copy_n(p + j, 8, w);
      size_t i = 0;
      for (; i + W::kLanes <= a_.value_size; i += W::kLanes) {
        W even = W::load(y + i), odd = W::splat(0);
        for (size_t u = 0; u < 8; u += 2) {
          even = madd(W::load(v + u * step + i), W::splat(w[u]), even);
          odd = madd(W::load(v + (u + 1) * step + i), W::splat(w[u + 1]), odd);
        }
        (even + odd).store(y + i);
      }
#pragma clang loop unroll(disable) vectorize(disable)
      for (; i < a_.value_size; ++i) {
#pragma clang loop unroll(disable) vectorize(disable)
        for (size_t u = 0; u < 8; ++u) y[i] += w[u] * v[u * step + i];
      }
    }
    for (; j < n; ++j, v += step) {
      for_lanes<float>(a_.value_size, [&]<class L>(size_t i) {
        madd(L::load(v + i), L::splat(p[j]), L::load(y + i)).store(y + i);
      });
    }
  }

  void tell(ScoreStage stage, const Row& row, size_t j, size_t n, const float* s) const {
    if (a_.scores == nullptr || a_.stage != stage) return;
    std::copy_n(s, n, a_.scores + ((b_ * a_.heads + row.head) * a_.queries + row.query) * a_.keys + j);
  }

  // Scores of keys [j, j + n) become weights against the row's maximum so far.
  void weigh(size_t r, size_t j, size_t n) {
    Row& row = row_[r];
    float* s = s_ + r * kKeys;
    tell(ScoreStage::kScaled, row, j, n, s);
    if (a_.softcap != 0) {
      float inverse = 1 / a_.softcap;
      for_lanes<float>(n, [&]<class L>(size_t i) {
        (simd::tanh(L::load(s + i) * L::splat(inverse)) * L::splat(a_.softcap)).store(s + i);
      });
    }
    tell(ScoreStage::kCapped, row, j, n, s);
    for (const ScoreBias<float>& bias : a_.bias) {
      if (bias.data == nullptr) continue;
      const float* add = bias.data + at(bias.strides, row.head, row.query);
      if (bias.columns == kOneColumn) {
        for_lanes<float>(n, [&]<class L>(size_t i) { (L::load(s + i) + L::splat(*add)).store(s + i); });
        continue;
      }
      add += j;
      size_t there = bias.columns > j ? std::min(n, bias.columns - j) : 0;
      for_lanes<float>(there, [&]<class L>(size_t i) { (L::load(s + i) + L::load(add + i)).store(s + i); });
      std::fill(s + there, s + n, kNone);
    }
    size_t begin = std::clamp(row.visible.begin, j, j + n) - j;
    size_t end = std::clamp(row.visible.end, j, j + n) - j;
    auto hide = [&](float with) {
      std::fill(s, s + begin, with);
      std::fill(s + end, s + n, with);
    };
    if (a_.stage == ScoreStage::kBiased) hide(0);
    tell(ScoreStage::kBiased, row, j, n, s);
    hide(kNone);
    tell(ScoreStage::kHidden, row, j, n, s);
    tell(ScoreStage::kSoftmax, row, j, n, s);

    // A row of scores has room for whole vectors.
    size_t whole = padded(n);
    std::fill(s + n, s + whole, kNone);
    float largest = largest_of(s, whole, row.largest);
    if (largest == kNone) {
      // Nothing but hidden keys and NaN, which the row then is.
      for (size_t i = 0; i < n; ++i) row.sum += s[i] = s[i] == kNone ? 0 : s[i];
      return;
    }
    float* y = y_ + r * a_.value_size;
    if (largest != row.largest) {
      float shrink = scalar_exp(row.largest - largest);
      row.sum *= shrink;
      for_lanes<float>(a_.value_size,
                       [&]<class L>(size_t i) { (L::load(y + i) * L::splat(shrink)).store(y + i); });
      row.largest = largest;
    }
    W total = W::splat(0);
#pragma clang loop unroll(disable)
    for (size_t i = 0; i < whole; i += W::kLanes) {
      W x = simd::exp_negative(W::load(s + i) - W::splat(largest));
      x.store(s + i);
      total = total + x;
    }
    row.sum += sum(total);
  }

  void finish(size_t r) {
    const Row& row = row_[r];
    float scale = row.sum == 0 ? 0 : 1 / row.sum;
    const float* from = y_ + r * a_.value_size;
    float* y = a_.y + at(a_.y_strides, row.head, row.query);
    if (a_.drops_nan && row.sum != row.sum) {
      std::fill_n(y, a_.value_size, 0.0f);
      return;
    }
    for_lanes<float>(a_.value_size,
                     [&]<class L>(size_t i) { (L::load(from + i) * L::splat(scale)).store(y + i); });
    if (a_.scores == nullptr || a_.stage != ScoreStage::kSoftmax) return;
    float* s = a_.scores + ((b_ * a_.heads + row.head) * a_.queries + row.query) * a_.keys;
    for_lanes<float>(a_.keys, [&]<class L>(size_t i) {
      L x = L::load(s + i);
      select(x == L::splat(kNone), L::splat(0), lane_exp(x - L::splat(row.largest)) * L::splat(scale))
          .store(s + i);
    });
  }

  const Attention<float>& a_;
  size_t b_, kv_, first_, rows_;
  float *q_, *k_, *v_, *s_, *y_;
  Row row_[kRows];
};

}  // namespace

Result<size_t> attention_scratch_bytes(const Attention<float>& call, int threads) {
  KL_ASSIGN(Layout l, layout_of(call));
  KL_ASSIGN(size_t bytes, checked_mul(l.total, sizeof(float)));
  return checked_mul(bytes, static_cast<size_t>(threads));
}

void attention(const Attention<float>& a, std::byte* scratch, Parallel& pool) {
  Result<Layout> layout = layout_of(a);
  if (!layout.ok()) return;  // attention_scratch_bytes has said so
  size_t rows = a.heads / a.kv_heads * a.queries, blocks = ceil_div(rows, kRows);
  parallel_slots(pool, a.batch * a.kv_heads * blocks, [&](size_t thread, size_t index) {
    StripSplit split(rows, kRows);
    size_t i = index % blocks, kv = index / blocks % a.kv_heads, b = index / blocks / a.kv_heads;
    float* own = reinterpret_cast<float*>(scratch) + thread * layout->total;
    Task(a, own, *layout, b, kv, split.begin(i), split.rows(i)).run(pool);
  });
}

}  // namespace kinglet
