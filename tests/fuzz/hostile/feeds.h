#pragma once
// Values for the inputs of a model: those of its test data where they still fit, otherwise made up.
#include <string>
#include <vector>

#include "fuzz/hostile/mutate.h"
#include "runtime/session.h"

namespace kinglet::hostile {

// The tensors of test_data_set_0 beside a model by input number; empty where there are none.
std::vector<Tensor> read_vectors(const std::string& folder);

// Has some inputs take an output of the run before.
void carry_some(Session& session, Random& random);

// Sets the session's feeds; inputs may be left out, many of them if `few`.
void set_feeds(Session& session, const std::vector<Tensor>& vectors, Random& random, bool few);

}  // namespace kinglet::hostile
