"""Writes what the installed onnx package says of every operator of ai.onnx: types by input name, as JSON."""
import json

import onnx.defs

NAMES = {"float": "float32", "double": "float64"}
schemas = {}
for schema in onnx.defs.get_all_schemas_with_history():
    if schema.domain == "" and not schema.deprecated:
        known = schemas.get(schema.name)
        if known is None or known.since_version < schema.since_version:
            schemas[schema.name] = schema


def types(schema, port):
    for constraint in schema.type_constraints:
        if constraint.type_param_str == port.typeStr:
            texts = constraint.allowed_type_strs
            break
    else:
        texts = [port.typeStr]
    tensors = [t[len("tensor("):-1] for t in texts if t.startswith("tensor(")]
    return sorted(NAMES.get(t, t) for t in tensors)


print(json.dumps({
    name: {"inputs": [types(schema, p) for p in schema.inputs], "outputs": [types(schema, p) for p in schema.outputs],
           "names": [p.typeStr for p in [*schema.inputs, *schema.outputs]]}
    for name, schema in schemas.items()}))
