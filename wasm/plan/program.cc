#include "plan/program.h"

#include <algorithm>
#include <cstring>

#include "plan/planner.h"

namespace kinglet {

namespace {
constexpr size_t kKeptPlans = 8;
constexpr int kCredit = 64, kPlanCost = 8;

bool same_value(const Tensor* a, const Tensor* b) {
  if (a == nullptr || b == nullptr) return a == b;
  return std::memcmp(a->data(), b->data(), a->bytes()) == 0;
}
}  // namespace

class Program::Packs final : public PackCache {
 public:
  Result<std::shared_ptr<Buffer>> get(const Tensor& constant, std::string_view format, size_t bytes,
                                      const std::function<void(std::byte*)>& fill, bool spent) override {
    const std::shared_ptr<Buffer>& own = constant.buffer();
    if (spent && own->data() == constant.data() && own->make_room(bytes)) {
      KL_TRY(own->rewrite(bytes, fill));
      own->form = format;
      taken_ += bytes;
      return own;
    }
    auto [it, added] = entries_.try_emplace({constant.data(), std::string(format)});
    if (!added) return it->second.packed;
    auto packed = Buffer::allocate(bytes);
    if (!packed.ok()) {
      entries_.erase(it);
      return packed;
    }
    fill((*packed)->data());
    (*packed)->form = format;
    it->second = {constant, *packed};
    return packed;
  }
  std::shared_ptr<Buffer> take(const Tensor& constant) override {
    auto it = entries_.lower_bound({constant.data(), ""});
    auto is_its = [&] { return it != entries_.end() && it->first.first == constant.data(); };
    if (!is_its()) return nullptr;
    auto found = it++;
    if (is_its()) return nullptr;
    std::shared_ptr<Buffer> packed = std::move(found->second.packed);
    taken_ += packed->bytes();
    entries_.erase(found);
    return packed;
  }
  size_t bytes() const {
    size_t total = taken_;
    for (const auto& [_, entry] : entries_) total += entry.packed->bytes();
    return total;
  }

 private:
  struct Entry {
    Tensor constant;  // keeps the key's address taken
    std::shared_ptr<Buffer> packed;
  };
  std::map<std::pair<const std::byte*, std::string>, Entry> entries_;
  size_t taken_ = 0;
};

Program::Program(std::shared_ptr<Graph> graph, int threads)
    : Program(std::move(graph), threads, std::make_shared<Packs>(), false) {}
Program::Program(std::shared_ptr<Graph> graph, int threads, std::shared_ptr<Packs> packs, bool inner)
    : graph_(std::move(graph)),
      threads_(threads),
      packs_(std::move(packs)),
      ends_{!inner, {}, {}},
      credit_(inner ? 0 : kCredit) {}

Result<std::shared_ptr<const Plan>> Program::plan(std::span<const Port> inputs) {
  // What of an input's value is part of the key.
  auto value = [&](size_t i) {
    bool counts = i < 64 && (keyed_ >> i & 1) != 0 && inputs[i].constant != nullptr &&
                  may_steer(inputs[i].dtype, inputs[i].shape, kKeyElements);
    return counts ? inputs[i].constant : nullptr;
  };
  bool valued = false;
  for (size_t i = 0; keyed_ != 0 && i < inputs.size(); ++i) valued |= value(i) != nullptr;
  auto fits = [&](const Kept& kept) {
    for (size_t i = 0; i < inputs.size(); ++i) {
      const Port &x = kept.key[i], &y = inputs[i];
      if (x.dtype != y.dtype || x.shape_known != y.shape_known || !(x.shape == y.shape) ||
          !same_value(x.constant, value(i)))
        return false;
    }
    return true;
  };
  auto it = std::ranges::find_if(kept_, fits);
  if (it != kept_.end()) {
    if (valued) credit_ = std::min(credit_ + 1, kCredit);
    std::rotate(kept_.begin(), it, it + 1);
    return kept_.front().plan;
  }
  if (valued && credit_ < kPlanCost) {
    credit_ = 0;
    keyed_ = 0;
  }
  Kept made{{inputs.begin(), inputs.end()}, {}, nullptr};
  made.values.reserve(inputs.size());
  // Values that turn out to matter become part of the plan, which may show more of them.
  for (;;) {
    made.values.clear();
    for (size_t i = 0; i < inputs.size(); ++i) {
      Port& port = made.key[i];
      port.constant = value(i);
      if (port.constant == nullptr) continue;
      KL_ASSIGN(Tensor own, port.constant->clone());
      made.values.push_back(std::move(own));
      port.constant = &made.values.back();
    }
    valued = !made.values.empty();
    const Plan* like = kept_.empty() ? nullptr : kept_.front().plan.get();
    KL_ASSIGN(Plan plan, make_plan(*graph_, made.key, *packs_, threads_, ends_, like));
    uint64_t wanted = plan.steering & ~keyed_;
    made.plan = std::make_shared<const Plan>(std::move(plan));
    if (wanted == 0 || credit_ < kPlanCost) break;
    keyed_ |= wanted;
  }
  if (valued) credit_ -= kPlanCost;
  if (kept_.size() == kKeptPlans) kept_.pop_back();
  kept_.insert(kept_.begin(), std::move(made));
  return kept_.front().plan;
}

Program& Program::child(const Node& node, size_t index) {
  auto& child = children_[{&node, index}];
  if (!child) child.reset(new Program(node.subgraphs[index].graph, threads_, packs_, true));
  return *child;
}

std::vector<std::shared_ptr<const Plan>> Program::plans() const {
  std::vector<std::shared_ptr<const Plan>> out;
  for (const Kept& k : kept_) out.push_back(k.plan);
  return out;
}

size_t Program::packed_bytes() const { return packs_->bytes(); }

}  // namespace kinglet
