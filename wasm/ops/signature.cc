#include "ops/signature.h"

#include <algorithm>
#include <bit>

#include "ops/op.h"

namespace kinglet {

namespace {

std::string_view trim(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\n')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\n')) s.remove_suffix(1);
  return s;
}

// The part before `separator`, which is removed from `rest` with it; all of `rest` when there is none.
std::string_view cut(std::string_view* rest, std::string_view separator) {
  size_t at = rest->find(separator);
  std::string_view head = rest->substr(0, at);
  *rest = at == std::string_view::npos ? std::string_view() : rest->substr(at + separator.size());
  return trim(head);
}

bool add_set(std::string_view name, DTypeSet* set) {
  auto add_kind = [&](std::string_view kinds, int min_bits, int max_bits) {
    for (int i = 1; i < kDTypeCount; ++i) {
      auto d = static_cast<DType>(i);
      if (kinds.find(dtype_kind(d)) != std::string_view::npos && dtype_bits(d) >= min_bits &&
          dtype_bits(d) <= max_bits)
        set->add(d);
    }
    return true;
  };
  if (name == "floats") return add_kind("f", 16, 64);
  if (name == "ints") return add_kind("i", 8, 64);
  if (name == "uints") return add_kind("u", 8, 64);
  if (name == "integers") return add_kind("iu", 8, 64);
  if (name == "numeric") return add_kind("f", 16, 64), add_kind("iu", 8, 64);
  if (name == "narrow8") {
    for (DType d : {DType::kFloat8E4M3FN, DType::kFloat8E4M3FNUZ, DType::kFloat8E5M2, DType::kFloat8E5M2FNUZ})
      set->add(d);
    return true;
  }
  if (name == "all") return add_kind("fiubsc", 0, 128);
  DType d = dtype_from_name(name);
  if (d != DType::kNone) set->add(d);
  return d != DType::kNone;
}

bool add_sets(std::string_view names, DTypeSet* set) {
  while (!names.empty()) {
    if (!add_set(cut(&names, ","), set)) return false;
  }
  return true;
}

Status parse_values(std::string_view text, Signature* signature, std::vector<SignatureValue>* out) {
  while (!(text = trim(text)).empty()) {
    std::string_view word = cut(&text, " ");
    SignatureValue value;
    for (; !word.empty(); word.remove_suffix(1)) {
      if (word.back() == '?')
        value.optional = true;
      else if (word.back() == '*')
        value.variadic = true;
      else if (word.back() == '#')
        value.variadic = value.heterogeneous = true;
      else
        break;
    }
    value.name = cut(&word, ":");
    value.type = word;
    if (word == "any") {
      value.any = true;
    } else if (auto it = std::ranges::find(signature->variables, word); it != signature->variables.end()) {
      value.variable = static_cast<int>(it - signature->variables.begin());
      value.dtypes = signature->variable_types[static_cast<size_t>(value.variable)];
    } else {
      KL_REQUIRE(add_sets(word, &value.dtypes), kInternal, "signature: unknown type ", word);
    }
    out->push_back(value);
  }
  return {};
}

bool kind_matches(std::string_view kind, const AttributeValue& value) {
  static constexpr std::string_view kKinds[] = {"i", "f", "s", "t", "tp", "is", "fs", "ss", "ts"};
  if (kind == kKinds[value.index()]) return true;
  // An empty list has lost its kind on the wire.
  auto empty = [](const auto& v) {
    if constexpr (requires {
                    v.empty();
                    v.push_back({});
                  })
      return v.empty();
    return false;
  };
  return kind.size() == 2 && kind[1] == 's' && std::visit(empty, value);
}

// The element type that an attribute gives to an output whose type variable no input binds.
DType dtype_from_attributes(const Attributes& attributes) {
  for (const char* name : {"to", "dtype", "output_dtype", "output_datatype"}) {
    if (int64_t d = attributes.get_int(name); is_dtype(d)) return static_cast<DType>(d);
  }
  const Tensor* value = attributes.get_tensor("value");
  return value ? value->dtype() : DType::kNone;
}

// Whether a value declared as `d` may have this type; binds its type variable.
Status match(const SignatureValue& d, DType dtype, const char* what, std::vector<DType>* bound) {
  if (!d.dtypes.has(dtype)) {
    return fail(Code::kUnsupportedType, what, " ", d.name, " is ", dtype)
        .with("dtype", str(dtype))
        .with("expected", str(d.dtypes));
  }
  if (d.variable < 0 || d.heterogeneous) return {};
  DType& known = (*bound)[static_cast<size_t>(d.variable)];
  if (known == DType::kNone) known = dtype;
  KL_REQUIRE(known == dtype, kInvalidGraph, what, " ", d.name, " is ", dtype, " where ", known,
             " is needed to match the others");
  return {};
}

struct Checker {
  Graph& graph;
  Node& node;
  const Signature& signature;
  std::vector<DType> bound;

  Status values(std::span<const ValueId> ids, const std::vector<SignatureValue>& declared, const char* what,
                bool outputs) {
    for (size_t i = 0; i < ids.size(); ++i) {
      bool repeated = !declared.empty() && declared.back().variadic && i >= declared.size();
      KL_REQUIRE(i < declared.size() || repeated, kInvalidGraph, "has ", ids.size(), " ", what, "s, at most ",
                 declared.size(), " are defined");
      const SignatureValue& d = repeated ? declared.back() : declared[i];
      if (ids[i] == kNoValue) {
        KL_REQUIRE(outputs || d.optional || d.heterogeneous, kInvalidGraph, what, " ", d.name, " is missing");
        continue;
      }
      if (d.any) continue;
      DType dtype =
          graph.edge(ids[i]).type.kind == Type::Kind::kTensor ? graph.edge(ids[i]).type.dtype : DType::kNone;
      if (dtype == DType::kNone) continue;
      KL_TRY(match(d, dtype, what, &bound));
    }
    for (size_t i = ids.size(); i < declared.size(); ++i) {
      const SignatureValue& d = declared[i];
      KL_REQUIRE(outputs || d.optional || d.heterogeneous, kInvalidGraph, what, " ", d.name, " is missing");
    }
    return {};
  }

  Status attributes() {
    for (const Attribute& a : node.attributes.all()) {
      auto it = std::ranges::find(signature.attributes, a.name, &SignatureAttribute::name);
      KL_REQUIRE(it != signature.attributes.end(), kInvalidGraph, "has no attribute named ", a.name);
      KL_REQUIRE(kind_matches(it->kind, a.value), kInvalidGraph, "attribute ", a.name, " is not of kind ",
                 it->kind);
    }
    for (const SignatureAttribute& a : signature.attributes) {
      if (!a.required) continue;
      bool present = a.kind == "g" ? node.subgraph(a.name) != nullptr : node.attributes.has(a.name);
      KL_REQUIRE(present, kInvalidGraph, "attribute ", a.name, " is required");
    }
    return {};
  }

  void set_output_types() {
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i] == kNoValue || signature.outputs.empty()) continue;
      const SignatureValue& d = signature.outputs[std::min(i, signature.outputs.size() - 1)];
      Edge& edge = graph.edge(node.outputs[i]);
      if (d.any || edge.type.dtype != DType::kNone) continue;
      DType dtype = DType::kNone;
      if (d.variable >= 0 && !d.heterogeneous) {
        dtype = bound[static_cast<size_t>(d.variable)];
        if (dtype == DType::kNone) dtype = dtype_from_attributes(node.attributes);
        if (dtype != DType::kNone && !d.dtypes.has(dtype)) dtype = DType::kNone;
      } else if (uint32_t bits = d.dtypes.bits(); std::has_single_bit(bits)) {
        dtype = static_cast<DType>(std::countr_zero(bits));
      }
      if (dtype != DType::kNone) edge.type.kind = Type::Kind::kTensor, edge.type.dtype = dtype;
    }
  }
};

}  // namespace

Result<Signature> parse_signature(std::string_view text) {
  Signature out;
  std::string_view rest = text;
  std::string_view values = cut(&rest, "|"), variables = cut(&rest, "|"), attributes = trim(rest);
  while (!(variables = trim(variables)).empty()) {
    std::string_view word = cut(&variables, " ");
    out.variables.push_back(cut(&word, "="));
    out.variable_types.emplace_back();
    KL_REQUIRE(add_sets(word, &out.variable_types.back()), kInternal, "signature: unknown type in ", word);
  }
  std::string_view inputs = cut(&values, "->");
  KL_TRY(parse_values(inputs, &out, &out.inputs));
  KL_TRY(parse_values(values, &out, &out.outputs));
  while (!(attributes = trim(attributes)).empty()) {
    std::string_view word = cut(&attributes, " ");
    SignatureAttribute a;
    a.name = cut(&word, ":");
    a.kind = cut(&word, "=");
    a.absent = word;
    if (!a.kind.empty() && a.kind.back() == '!') a.required = true, a.kind.remove_suffix(1);
    out.attributes.push_back(a);
  }
  return out;
}

Status check_node(Graph& graph, NodeId id) {
  Node& node = graph.node(id);
  KL_ASSIGN(Signature signature, parse_signature(node.def->signature));
  // The first output is always there, so that kernels need not ask; others may be absent.
  bool one = !signature.outputs.empty() && !signature.outputs[0].any && !signature.outputs[0].variadic;
  if (one && node.outputs.size() > 1 && node.outputs[0] == kNoValue) {
    node.outputs[0] = graph.add_edge(str(node.name, ":0"));
    graph.edge(node.outputs[0]).producer = id;
  }
  Checker check{graph, node, signature, std::vector<DType>(signature.variables.size(), DType::kNone)};
  KL_TRY(check.attributes());
  KL_TRY(check.values(node.inputs, signature.inputs, "input", false));
  KL_TRY(check.values(node.outputs, signature.outputs, "output", true));
  check.set_output_types();
  return {};
}

Status check_dtypes(const Node& node, std::span<const DType> inputs) {
  KL_ASSIGN(Signature signature, parse_signature(node.def->signature));
  std::vector<DType> bound(signature.variables.size(), DType::kNone);
  for (size_t i = 0; i < inputs.size() && !signature.inputs.empty(); ++i) {
    const SignatureValue& d = signature.inputs[std::min(i, signature.inputs.size() - 1)];
    if (inputs[i] != DType::kNone && !d.any) KL_TRY(match(d, inputs[i], "input", &bound));
  }
  return {};
}

}  // namespace kinglet
