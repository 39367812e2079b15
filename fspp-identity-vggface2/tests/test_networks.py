"""The networks equal others written from the papers' definitions: in NumPy, double precision, nothing folded."""

from __future__ import annotations

import numpy as np

from fspp_identity_vggface2 import ir_tensors, vggface2_tensors
from fspp_identity_vggface2.folding import spread
from fspp_identity_vggface2.ir_network import ir
from fspp_identity_vggface2.vggface2_network import MEAN, vggface2


class Reference:
    """Layers by their names in the state dict; pictures are (n, rows, columns, channels) float64."""

    def __init__(self, tensors, epsilon):
        self.tensors = {name: tensor.astype(np.float64) for name, tensor in tensors.items()}
        self.epsilon = epsilon

    def convolution(self, name, x, stride=1, before=0, after=0):
        weight = self.tensors[f"{name}.weight"]
        x = np.pad(x, ((0, 0), (before, after), (before, after), (0, 0)))
        rows, columns = ((size - side) // stride + 1 for size, side in zip(x.shape[1:3], weight.shape[2:], strict=True))
        total = np.zeros((len(x), rows, columns, len(weight)))
        for row, column in np.ndindex(weight.shape[2:]):
            seen = x[:, row : row + stride * rows : stride, column : column + stride * columns : stride]
            total += seen[:, :rows, :columns] @ weight[:, :, row, column].T
        return total

    def norm(self, name, x):
        """Ioffe and Szegedy 2015, as it runs after training."""
        mean, variance = self.tensors[f"{name}.running_mean"], self.tensors[f"{name}.running_var"]
        factor, summand = self.tensors.get(f"{name}.weight", 1), self.tensors.get(f"{name}.bias", 0)
        return (x - mean) / np.sqrt(variance + self.epsilon) * factor + summand

    def prelu(self, name, x):
        return np.where(x > 0, x, self.tensors[f"{name}.weight"] * x)

    def linear(self, name, x):
        return x @ self.tensors[f"{name}.weight"].T + self.tensors[f"{name}.bias"]


def vggface2_reference(tensors, bgr):
    """He et al. 2016 with the stride where Caffe has it; Cao et al. 2018; TensorFlow's padding and epsilon."""
    net = Reference(tensors, 1e-3)
    x = net.convolution("resnet.conv", bgr - np.array(MEAN), 2, before=2, after=3)
    x = np.maximum(net.norm("resnet.bn", x), 0)
    x = np.max([x[:, r : r + 109 : 2, c : c + 109 : 2] for r in range(3) for c in range(3)], axis=0)
    assert x.shape[1:] == (55, 55, 64)
    for stage, count in enumerate((3, 4, 6, 3), start=1):
        for number in range(count):
            name = f"resnet.id{stage}.{number - 1}" if number else f"resnet.block{stage}"
            stride = 2 if number == 0 and stage > 1 else 1
            y = np.maximum(net.norm(f"{name}.reduce_bn", net.convolution(f"{name}.reduce_conv", x, stride)), 0)
            y = np.maximum(net.norm(f"{name}.bn", net.convolution(f"{name}.conv", y, 1, 1, 1)), 0)
            y = net.norm(f"{name}.increase_bn", net.convolution(f"{name}.increase_conv", y))
            if number == 0:
                x = net.norm(f"{name}.proj_bn", net.convolution(f"{name}.proj", x, stride))
            x = np.maximum(x + y, 0)
    assert x.shape[1:] == (7, 7, 2048)
    return np.maximum(net.linear("dim_proj", x.mean((1, 2))), 0)


def ir_reference(tensors, bgr, units):
    """Deng et al. 2019: norm, convolution, norm, PReLU, convolution, norm; all maps halve at a scale's first block."""
    net = Reference(tensors, 1e-5)
    x = net.convolution("input_layer.0", bgr[..., ::-1] / 255, 1, 1, 1)
    x = net.prelu("input_layer.2", net.norm("input_layer.1", x))
    number = 0
    for count in units:
        for step in range(count):
            name, stride = f"body.{number}", 1 if step else 2
            y = net.convolution(f"{name}.res_layer.1", net.norm(f"{name}.res_layer.0", x), 1, 1, 1)
            y = net.prelu(f"{name}.res_layer.3", net.norm(f"{name}.res_layer.2", y))
            y = net.norm(f"{name}.res_layer.5", net.convolution(f"{name}.res_layer.4", y, stride, 1, 1))
            if x.shape[3] == y.shape[3]:
                x = x[:, ::stride, ::stride]  # a maximum over one cell
            else:
                shortcut = net.convolution(f"{name}.shortcut_layer.0", x, stride)
                x = net.norm(f"{name}.shortcut_layer.1", shortcut)
            x, number = x + y, number + 1
    x = net.norm("output_layer.0", x).transpose(0, 3, 1, 2).reshape(len(x), -1)
    return net.norm("output_layer.4", net.linear("output_layer.3", x))


def pictures(side):
    return np.random.default_rng(side).integers(0, 256, (1, side, side, 3)).astype(np.float32)


def assert_equal(found, expected):
    assert found.shape == expected.shape
    assert expected.std() > 0.1
    np.testing.assert_array_less(np.linalg.norm(found - expected, axis=1), 1e-5 * np.linalg.norm(expected, axis=1))


def test_vggface2(made):
    tensors = made(vggface2_tensors.tensor_shapes())
    network = vggface2(tensors)
    seen = pictures(224)
    found = network.predict_on_batch(seen)
    assert_equal(found, vggface2_reference(tensors, seen))
    assert (found == 0).any()
    assert network.trainable_variables == []


def test_ir_with_few_blocks(made):
    units = (2, 1, 3, 1)
    tensors = made(ir_tensors.tensor_shapes(units))
    seen = pictures(112)
    assert_equal(ir(tensors, units).predict_on_batch(seen), ir_reference(tensors, seen, units))


def test_ir_50(made):
    tensors = made(ir_tensors.tensor_shapes(ir_tensors.IR_50))
    network = ir(tensors, ir_tensors.IR_50)
    seen = pictures(112)
    assert_equal(network.predict_on_batch(seen), ir_reference(tensors, seen, ir_tensors.IR_50))
    assert network.trainable_variables == []


def test_a_norm_before_a_convolution_with_zeros_around_it():
    rng = np.random.default_rng(0)
    values, summand = rng.standard_normal((3, 3, 2, 4)), rng.standard_normal(2)
    net = Reference({"c.weight": values.transpose(3, 2, 0, 1)}, 0)
    for side in (1, 2, 5):
        expected = net.convolution("c", np.broadcast_to(summand, (1, side, side, 2)), 1, 1, 1)[0]
        np.testing.assert_allclose(spread(summand, values, side), expected, atol=1e-12)
