"""Writing ONNX models, and the values they are expected to give, from Python programs."""
import json
import os
import sys

import numpy as np
from onnx import TensorProto, ValueInfoProto, checker, helper, numpy_helper

ML = 'ai.onnx.ml'
MICROSOFT = 'com.microsoft'
TYPES = {
    'float32': TensorProto.FLOAT, 'float64': TensorProto.DOUBLE, 'int64': TensorProto.INT64,
    'string': TensorProto.STRING, 'bool': TensorProto.BOOL,
}


class Graph:
    """A graph under construction; values are known by their names."""

    def __init__(self):
        self.nodes, self.constants, self.inputs, self.outputs = [], [], [], []
        self.count = 0

    def fresh(self, stem):
        self.count += 1
        return f'{stem.lower()}_{self.count}'

    def input(self, name, kind, *shape):
        self.inputs.append(helper.make_tensor_value_info(name, TYPES[kind], shape))
        return name

    def constant(self, array):
        name = self.fresh('constant')
        array = np.asarray(array)
        if array.dtype.kind in 'UO':
            texts = [str(s).encode() for s in array.ravel()]
            self.constants.append(helper.make_tensor(name, TensorProto.STRING, array.shape, texts))
        else:
            self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def op(self, kind, *inputs, outputs=1, domain='', **attributes):
        """A node; inputs that are arrays become constants. Returns its output, or a list of several."""
        names = [i if isinstance(i, str) else self.constant(i) for i in inputs]
        results = [self.fresh(kind) for _ in range(outputs)]
        self.nodes.append(helper.make_node(kind, names, results, domain=domain, **attributes))
        return results[0] if outputs == 1 else results

    def ml(self, kind, *inputs, outputs=1, **attributes):
        return self.op(kind, *inputs, outputs=outputs, domain=ML, **attributes)

    def output(self, value, name, kind, *shape):
        self.nodes.append(helper.make_node('Identity', [value], [name]))
        self.outputs.append(helper.make_tensor_value_info(name, TYPES[kind], shape))

    def maps(self, scores, name, labels):
        """The output `name`: for each row a map from label to score."""
        strings = isinstance(labels[0], str)
        key = {'classlabels_strings' if strings else 'classlabels_int64s': labels}
        self.nodes.append(helper.make_node('ZipMap', [scores], [name], domain=ML, **key))
        info = ValueInfoProto(name=name)
        of = info.type.sequence_type.elem_type.map_type
        of.key_type = TYPES['string' if strings else 'int64']
        of.value_type.tensor_type.elem_type = TensorProto.FLOAT
        self.outputs.append(info)

    def body(self):
        """This graph as the body of a Loop or Scan."""
        return helper.make_graph(self.nodes, 'body', self.inputs, self.outputs, self.constants)

    def model(self):
        graph = helper.make_graph(self.nodes, 'g', self.inputs, self.outputs, self.constants)
        domains = [('', 15), (ML, 3), (MICROSOFT, 1)]
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid(*d) for d in domains],
                                  ir_version=8, producer_name='kinglet recipes')
        if not any(n.domain == MICROSOFT for n in self.nodes):
            checker.check_model(model)
        return model


def write(folder, name, graph, inputs, expected, rows=True):
    """`inputs` and `expected`: arrays by name; strings and integers must be equal, floats close. `rows`: every row of
    the inputs stands for itself."""
    folder = os.path.join(folder, name)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, 'model.onnx'), 'wb') as file:
        file.write(graph.model().SerializeToString())
    data = b''

    def describe(values):
        nonlocal data
        out = {}
        for key, array in values.items():
            array = np.asarray(array)
            out[key] = {'dims': list(array.shape)}
            if array.dtype.kind in 'UO':
                out[key].update(type='string', strings=[str(s) for s in array.ravel()])
                continue
            if array.dtype == np.int32:
                array = array.astype(np.int64)
            data += b'\0' * (-len(data) % 8)
            out[key].update(type=str(array.dtype), offset=len(data))
            data += np.ascontiguousarray(array).tobytes()
        return out

    case = {'rows': rows, 'inputs': describe(inputs), 'expected': describe(expected)}
    with open(os.path.join(folder, 'case.json'), 'w') as file:
        json.dump(case, file)
    with open(os.path.join(folder, 'data.bin'), 'wb') as file:
        file.write(data)


def main(recipes):
    """Command line of a recipe: the folder to write to."""
    folder = sys.argv[1] if len(sys.argv) > 1 else 'build/classical'
    for recipe in recipes:
        recipe(folder)
