#include "ops/attention_step.h"

#include <cmath>
#include <cstring>

#include "ops/converted.h"

namespace kinglet {

namespace {

// Places in the scratch, in bytes; parts of no length are not used.
struct Place {
  size_t offset = 0, bytes = 0;
};

struct Step {
  AttentionSpec spec;
  Place q, k, v, mask, items, kernel;
};

struct Item {
  int64_t before = 0;   // rows of the cache in use
  int64_t past = 0;     // keys before the first query, for the causal mask
  int64_t visible = 0;  // keys that count
};

// 0 where the mask keeps a key, `filter` where it hides it.
template <class T>
void widen_mask(const AttentionSpec& s, const Tensor& mask, T* out) {
  T filter = static_cast<T>(s.filter);
  if (s.mask_form == MaskForm::kKeep) {
    auto n = static_cast<size_t>(mask.count());
    int bytes = dtype_bits(mask.dtype()) / 8;
    for (size_t i = 0; i < n; ++i) {
      bool keep = bytes == 1   ? mask.data<uint8_t>()[i] != 0
                  : bytes == 4 ? mask.data<int32_t>()[i] != 0
                               : mask.data<int64_t>()[i] != 0;
      out[i] = keep ? T{0} : filter;
    }
    return;
  }
  const int32_t* ends = mask.data<int32_t>();
  auto keys = static_cast<int64_t>(s.mask_columns);
  for (size_t b = 0; b < s.batch; ++b, out += keys) {
    int64_t end = std::clamp<int64_t>(ends[b], 0, keys), begin = 0;
    if (s.mask_form == MaskForm::kEndsStarts) begin = std::clamp<int64_t>(ends[s.batch + b], 0, end);
    std::fill_n(out, keys, filter);
    std::fill(out + begin, out + end, T{0});
  }
}

template <class T>
class Runner {
 public:
  Runner(const Step& step, Run& run)
      : step_(step),
        s_(step.spec),
        run_(run),
        pasts_(room<int64_t>(step.items)),
        lengths_(pasts_ + s_.batch) {}

  Status operator()() {
    Attention<T> a;
    a.batch = s_.batch;
    a.heads = s_.heads;
    a.kv_heads = s_.kv_heads;
    a.queries = s_.queries;
    a.head_size = s_.head_size;
    a.value_size = s_.value_size;
    a.keys = s_.keys;
    if (s_.past_length >= 0) {
      int32_t past = *run_.in(s_.past_length).data<int32_t>();
      KL_REQUIRE(past >= 0 && static_cast<size_t>(past) + s_.fresh <= s_.rows, kIndexOutOfRange,
                 "past_sequence_length is ", past, ", the cache has ", s_.rows, " rows for ", s_.fresh,
                 " more");
      past_ = past;
      a.keys = static_cast<size_t>(past) + s_.fresh;
    } else {
      past_ = static_cast<int64_t>(s_.past);
    }
    place(s_.q, step_.q, s_.heads, s_.queries, s_.head_size, &a.q, &a.q_strides);
    place(s_.k, step_.k, s_.kv_heads, s_.rows, s_.head_size, &a.k, &a.k_strides);
    place(s_.v, step_.v, s_.kv_heads, s_.rows, s_.value_size, &a.v, &a.v_strides);
    T* keys = cache(s_.key_cache, s_.head_size, &a.k, &a.k_strides);
    T* values = cache(s_.value_cache, s_.value_size, &a.v, &a.v_strides);
    if (keys == nullptr && step_.k.bytes != 0) keys = room<T>(step_.k);
    if (values == nullptr && step_.v.bytes != 0) values = room<T>(step_.v);
    for (size_t b = 0; b < s_.batch; ++b) {
      KL_ASSIGN(Item item, item_of(b));
      pasts_[b] = item.past;
      lengths_[b] = item.visible;
      auto before = static_cast<size_t>(item.before);
      KL_TRY(check_positions(b, item.before));
      if (step_.q.bytes != 0)
        fill(s_.q, b, s_.heads, s_.queries, s_.head_size, before, room<T>(step_.q), 0, s_.queries);
      if (keys != nullptr) fill_cache(s_.k, s_.key_cache, b, s_.head_size, before, keys);
      if (values != nullptr) fill_cache(s_.v, s_.value_cache, b, s_.value_size, before, values);
    }
    a.y = run_.out(0).data<T>();
    a.y_strides = s_.rows_first ? rows_first_strides(s_.queries, s_.heads, s_.value_size)
                                : heads_first_strides(s_.queries, s_.heads, s_.value_size);
    a.scale = s_.scale != 0 ? static_cast<T>(s_.scale) : T{1} / std::sqrt(static_cast<T>(s_.head_size));
    a.softcap = static_cast<T>(s_.softcap);
    a.causal = s_.causal;
    a.window = s_.window;
    a.pasts = pasts_;
    a.lengths = lengths_;
    if (s_.bias >= 0) a.bias[0] = {run_.in(s_.bias).data<T>(), s_.bias_strides, s_.bias_columns};
    if (s_.mask_form != MaskForm::kNone) {
      widen_mask(s_, run_.in(s_.mask), room<T>(step_.mask));
      a.bias[1] = {room<T>(step_.mask) + s_.mask_offset, s_.mask_strides, s_.mask_columns};
    }
    if (s_.sink >= 0) a.sink = run_.in(s_.sink).data<T>();
    a.smooth = s_.smooth;
    a.drops_nan = s_.drops_nan;
    if (s_.scores >= 0 && run_.has_out(s_.scores)) {
      a.scores = run_.out(s_.scores).data<T>();
      a.stage = s_.stage;
    }
    if constexpr (std::is_same_v<T, float>)
      attention(a, room<std::byte>(step_.kernel), run_.parallel());
    else
      attention_reference(a, room<double>(step_.kernel), run_.parallel());
    return {};
  }

 private:
  template <class E>
  E* room(const Place& place) const {
    return reinterpret_cast<E*>(run_.scratch() + place.offset);
  }

  // Where the kernel reads a part: in its input or in the scratch.
  void place(const HeadSource& part, const Place& place, size_t heads, size_t rows, size_t size,
             const T** data, HeadStrides* strides) const {
    *data = run_.in(part.input).data<T>() + part.offset;
    *strides = part.strides;
    if (place.bytes == 0) return;
    *data = room<T>(place);
    *strides = heads_first_strides(rows, heads, size);
  }

  // The same for a cache that is an output.
  T* cache(const HeadCache& cache, size_t size, const T** data, HeadStrides* strides) const {
    if (cache.present < 0 || !run_.has_out(cache.present)) return nullptr;
    T* to = run_.out(cache.present).data<T>() + cache.present_offset;
    *data = to;
    *strides = heads_first_strides(s_.rows, s_.kv_heads, size);
    return to;
  }

  Result<Item> item_of(size_t b) const {
    auto fresh = static_cast<int64_t>(s_.fresh);
    Item item{past_, past_, past_ + fresh};
    if (s_.last_key >= 0) {
      int64_t total = int64_t{run_.in(s_.last_key).data<int32_t>()[b]} + 1;
      item.before = item.past = s_.first_prompt ? 0 : total - fresh;
      KL_REQUIRE(total >= 0 && item.before >= 0 && item.before <= static_cast<int64_t>(s_.past_rows) &&
                     item.before + fresh <= static_cast<int64_t>(s_.keys),
                 kIndexOutOfRange, "seqlens_k[", b, "] is ", total - 1, ", the cache has ", s_.past_rows,
                 " rows and there are ", fresh, " new ones");
      item.visible = item.before + fresh;
    }
    if (s_.lengths >= 0) {
      item.visible = run_.in(s_.lengths).data<int64_t>()[b];
      KL_REQUIRE(item.visible >= 0 && item.visible <= past_ + fresh, kIndexOutOfRange, "nonpad_kv_seqlen[", b,
                 "] is ", item.visible, " of ", past_ + fresh, " keys");
      if (s_.key_cache.past < 0) item.past = item.visible - static_cast<int64_t>(s_.queries);
    }
    return item;
  }

  Status check_positions(size_t b, int64_t first) const {
    if (s_.cos < 0) return {};
    for (size_t i = 0; i < s_.queries; ++i) {
      int64_t line = s_.positions >= 0 ? run_.in(s_.positions).data<int64_t>()[b * s_.queries + i]
                                       : first + static_cast<int64_t>(i);
      KL_REQUIRE(line >= 0 && static_cast<size_t>(line) < s_.table_rows, kIndexOutOfRange, "position ", line,
                 " is not in the ", s_.table_rows, " rows of cos_cache");
    }
    return {};
  }

  // Rows of one batch item, to rows [at, at + rows) of [batch, heads, room_rows, size].
  void fill(const HeadSource& part, size_t b, size_t heads, size_t rows, size_t size, size_t first, T* to,
            size_t at, size_t room_rows) const {
    HeadCopy<T> copy;
    copy.batch = 1;
    copy.heads = heads;
    copy.rows = rows;
    copy.size = size;
    copy.from = run_.in(part.input).data<T>() + part.offset + b * part.strides.batch;
    copy.from_strides = part.strides;
    copy.to = to + (b * heads * room_rows + at) * size;
    copy.to_strides = heads_first_strides(room_rows, heads, size);
    if (part.bias >= 0) copy.bias = run_.in(part.bias).data<T>() + part.bias_offset;
    if (part.rotates) {
      copy.cos = run_.in(s_.cos).data<T>();
      copy.sin = run_.in(s_.sin).data<T>();
      copy.rotated = s_.rotated;
      copy.table_row = s_.rotated / 2;
      copy.interleaved = s_.interleaved;
      if (s_.positions >= 0) copy.positions = run_.in(s_.positions).data<int64_t>() + b * s_.queries;
      copy.first = first;
    }
    copy_heads(copy, run_.parallel());
  }

  // Past rows, then new ones, then zeros; a cache that is updated in its place keeps what is behind.
  void fill_cache(const HeadSource& part, const HeadCache& cache, size_t b, size_t size, size_t before,
                  T* to) const {
    size_t kept = s_.past_length >= 0 ? s_.past_rows : before;
    for (size_t h = b * s_.kv_heads; h < (b + 1) * s_.kv_heads; ++h) {
      T* row = to + h * s_.rows * size;
      if (kept > 0) {
        const T* past = run_.in(cache.past).data<T>() + cache.past_offset + h * s_.past_rows * size;
        std::memmove(row, past, kept * size * sizeof(T));
      }
      size_t end = std::max(kept, before + s_.fresh);
      std::fill(row + end * size, row + s_.rows * size, T{0});
    }
    fill(part, b, s_.kv_heads, s_.fresh, size, before, to, before, s_.rows);
  }

  const Step& step_;
  const AttentionSpec& s_;
  Run& run_;
  int64_t *pasts_, *lengths_;
  int64_t past_ = 0;
};

Status run_step(const Step& step, Run& run) {
  return run.out(0).dtype() == DType::kFloat64 ? Runner<double>(step, run)() : Runner<float>(step, run)();
}

}  // namespace

Status check_extents(const OpContext& c) {
  for (int i = 0; i < c.input_count(); ++i) {
    if (!c.has_input(i)) continue;
    for (int64_t extent : c.shape(i))
      KL_REQUIRE(extent < (int64_t{1} << 31), kLimitExceeded, "input ", i, " is ", c.shape(i));
  }
  return {};
}

HeadStrides rows_first_strides(size_t rows, size_t heads, size_t size) {
  return {rows * heads * size, size, heads * size};
}
HeadStrides heads_first_strides(size_t rows, size_t heads, size_t size) {
  return {rows * heads * size, rows * size, size};
}

Result<HeadStrides> score_strides(const OpContext& c, int i, const AttentionSpec& s, size_t columns,
                                  bool short_rows) {
  const Shape& shape = c.shape(i);
  KL_REQUIRE(shape.rank() >= 2 && shape.rank() <= 4, kInvalidShape, "a mask or bias of shape ", shape,
             " does not fit scores of 4 dimensions");
  Shape strides = strides_of(shape);
  auto extent = [&](int from_end) { return from_end > shape.rank() ? 1 : shape.at(-from_end); };
  auto stride = [&](int from_end) {
    return extent(from_end) == 1 ? size_t{0} : static_cast<size_t>(strides.at(-from_end));
  };
  auto fits = [&](int from_end, size_t wanted) {
    return extent(from_end) == 1 || static_cast<size_t>(extent(from_end)) == wanted;
  };
  auto last = static_cast<size_t>(shape.back());
  KL_REQUIRE(fits(4, s.batch) && fits(3, s.heads) && fits(2, s.queries) &&
                 (short_rows ? last <= columns : last >= columns),
             kInvalidShape, "a mask or bias of shape ", shape, " does not fit scores of shape ",
             Shape{static_cast<int64_t>(s.batch), static_cast<int64_t>(s.heads),
                   static_cast<int64_t>(s.queries), static_cast<int64_t>(columns)});
  return HeadStrides{stride(4), stride(3), stride(2)};
}

Status lower_attention(LowerContext& c, const AttentionSpec& spec) {
  Step step;
  step.spec = spec;
  const AttentionSpec& s = spec;
  size_t element = c.dtype(0) == DType::kFloat64 ? sizeof(double) : sizeof(float), total = 0;
  auto reserve = [&](Place* place, std::initializer_list<size_t> factors) -> Status {
    place->bytes = 1;
    for (size_t f : factors) {
      KL_ASSIGN(place->bytes, checked_mul(place->bytes, f));
    }
    place->offset = total;
    KL_ASSIGN(size_t padded, checked_add(place->bytes, kBufferAlignment - 1));
    KL_ASSIGN(total, checked_add(total, padded & ~(kBufferAlignment - 1)));
    return {};
  };
  auto changed = [](const HeadSource& part) { return part.bias >= 0 || part.rotates; };
  auto needs_room = [&](const HeadSource& part, const HeadCache& cache) {
    bool present = cache.present >= 0 && c.has_output(cache.present);
    return !present && (changed(part) || cache.past >= 0 || s.rows != s.fresh);
  };
  if (changed(s.q)) KL_TRY(reserve(&step.q, {s.batch, s.heads, s.queries, s.head_size, element}));
  if (needs_room(s.k, s.key_cache))
    KL_TRY(reserve(&step.k, {s.batch, s.kv_heads, s.rows, s.head_size, element}));
  if (needs_room(s.v, s.value_cache))
    KL_TRY(reserve(&step.v, {s.batch, s.kv_heads, s.rows, s.value_size, element}));
  if (s.mask_form == MaskForm::kKeep)
    KL_TRY(reserve(&step.mask, {static_cast<size_t>(c.shape(s.mask).count()), element}));
  else if (s.mask_form != MaskForm::kNone)
    KL_TRY(reserve(&step.mask, {s.batch, s.mask_columns, element}));
  KL_TRY(reserve(&step.items, {s.batch, 2 * sizeof(int64_t)}));
  size_t kernel;
  if (c.dtype(0) == DType::kFloat64) {
    KL_ASSIGN(kernel, checked_mul(s.rows, sizeof(double)));
    KL_ASSIGN(kernel, checked_mul(kernel, static_cast<size_t>(c.threads())));
  } else {
    Attention<float> call;
    call.head_size = s.head_size;
    call.value_size = s.value_size;
    KL_ASSIGN(kernel, attention_scratch_bytes(call, c.threads()));
  }
  KL_TRY(reserve(&step.kernel, {kernel}));
  c.scratch(total);
  add_float_step<run_step>(c, "attention", c.dtype(0), step);
  return {};
}

}  // namespace kinglet
