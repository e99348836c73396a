"""Writes TensorFlow Lite models directly, without TensorFlow: tensors, operators and weights of one graph into one flatbuffer."""

import flatbuffers
import numpy as np
import tflite

TYPES = {"float32": tflite.TensorType.FLOAT32, "int8": tflite.TensorType.INT8, "int32": tflite.TensorType.INT32}


def int8_rows(weights):
    """Symmetric int8 with one scale for each row (each output)."""
    scale = np.maximum(np.abs(weights).max(axis=1), 1e-8).astype(np.float32) / 127
    return np.clip(np.rint(weights / scale[:, None]), -127, 127).astype(np.int8), scale


class Graph:
    """Tensors are known by their index. Shapes are those of one size of input; the program may resize the inputs."""

    def __init__(self):
        self.buffers, self.tensors, self.ops, self.codes = [b""], [], [], []
        self.inputs, self.outputs, self.numbers = [], [], {}

    def tensor(self, shape, kind="float32", buffer=0, scale=None):
        self.tensors.append((tuple(shape), kind, buffer, scale))
        return len(self.tensors) - 1

    def shape(self, tensor):
        return self.tensors[tensor][0]

    def input(self, shape, kind="float32"):
        self.inputs.append(self.tensor(shape, kind))
        return self.inputs[-1]

    def constant(self, array, scale=None):
        array = np.ascontiguousarray(array)
        if array.dtype == np.float64 or array.dtype == np.float16:
            array = array.astype(np.float32)
        self.buffers.append(array.tobytes())
        return self.tensor(array.shape, str(array.dtype), len(self.buffers) - 1, scale)

    def again(self, tensor):
        """The same weights as plain numbers, without their scale."""
        shape, kind, buffer, _ = self.tensors[tensor]
        return self.tensor(shape, kind, buffer)

    def number(self, value):
        if value not in self.numbers:
            self.numbers[value] = self.constant(np.float32(value))
        return self.numbers[value]

    def op(self, name, inputs, shape, options=None, kind="float32", **fields):
        """Adds an operator whose options table is `options`, and answers its one output."""
        code = getattr(tflite.BuiltinOperator, name)
        if code not in self.codes:
            self.codes.append(code)
        out = self.tensor(shape, kind)
        self.ops.append((self.codes.index(code), list(inputs), [out], options, fields))
        return out

    # The operators that Whisper needs.

    def linear(self, x, weights, bias=None):
        """`weights` is a constant of int8 rows."""
        inputs = [x, weights, -1 if bias is None else self.constant(bias)]
        rows = self.shape(weights)[0]
        return self.op("FULLY_CONNECTED", inputs, (*self.shape(x)[:-1], rows), "FullyConnectedOptions",
                       KeepNumDims=True, AsymmetricQuantizeInputs=True)

    def binary(self, name, a, b):
        shape = np.broadcast_shapes(self.shape(a), self.shape(b))
        options = {"ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions",
                   "SQUARED_DIFFERENCE": "SquaredDifferenceOptions"}[name]
        return self.op(name, [a, b], shape, options)

    def mean(self, x):
        axis = self.constant(np.array([len(self.shape(x)) - 1], np.int32))
        return self.op("MEAN", [x, axis], (*self.shape(x)[:-1], 1), "ReducerOptions", KeepDims=True)

    def normal(self, x, gamma, beta):
        """Layer normalisation."""
        mean = self.mean(x)
        spread = self.mean(self.binary("SQUARED_DIFFERENCE", x, mean))
        scale = self.op("RSQRT", [self.binary("ADD", spread, self.number(1e-5))], self.shape(spread))
        unit = self.binary("MUL", self.binary("SUB", x, mean), scale)
        return self.binary("ADD", self.binary("MUL", unit, self.constant(gamma)), self.constant(beta))

    def gelu(self, x):
        return self.op("GELU", [x], self.shape(x), "GeluOptions", Approximate=True)

    def reshape(self, x, shape):
        """One of `shape` may be -1."""
        size = int(np.prod(self.shape(x)))
        known = int(np.prod([n for n in shape if n > 0]))
        full = tuple(size // known if n < 0 else n for n in shape)
        return self.op("RESHAPE", [x, self.constant(np.array(shape, np.int32))], full, "ReshapeOptions")

    def transpose(self, x, order):
        shape = tuple(self.shape(x)[i] for i in order)
        return self.op("TRANSPOSE", [x, self.constant(np.array(order, np.int32))], shape, "TransposeOptions")

    def product(self, a, b, turned=False):
        """Matrix product of each of the leading dimension; `turned`: b is transposed."""
        shape = (*self.shape(a)[:-1], self.shape(b)[-2 if turned else -1])
        return self.op("BATCH_MATMUL", [a, b], shape, "BatchMatMulOptions", AdjY=turned)

    def softmax(self, x):
        return self.op("SOFTMAX", [x], self.shape(x), "SoftmaxOptions", Beta=1.0)

    def join(self, parts, axis):
        shape = list(self.shape(parts[0]))
        shape[axis] = sum(self.shape(part)[axis] for part in parts)
        return self.op("CONCATENATION", parts, shape, "ConcatenationOptions", Axis=axis)

    def conv(self, x, weights, bias, stride):
        """`weights` as (out, width, in); the input is padded by one at both ends."""
        pads = self.constant(np.array([[0, 0], [0, 0], [1, 1], [0, 0]], np.int32))
        batch, one, length, width = self.shape(x)
        x = self.op("PAD", [x, pads], (batch, one, length + 2, width), "PadOptions")
        kernel = self.constant(weights[:, None])
        return self.op("CONV_2D", [x, kernel, self.constant(bias)], (1, 1, (length - 1) // stride + 1, len(weights)),
                       "Conv2DOptions", Padding=tflite.Padding.VALID, StrideW=stride, StrideH=1, DilationWFactor=1,
                       DilationHFactor=1)

    def bytes(self):
        b = flatbuffers.Builder(1 << 20)

        def vector(start, items, add):
            start(b, len(items))
            for item in reversed(items):
                add(item)
            return b.EndVector()

        def ints(start, items):
            return vector(start, items, b.PrependInt32)

        def offsets(start, items):
            return vector(start, items, b.PrependUOffsetTRelative)

        buffers = []
        for data in self.buffers:
            at = None
            if data:
                # XNNPACK wants weights aligned.
                b.StartVector(1, len(data), 16)
                b.head -= len(data)
                b.Bytes[b.head:b.head + len(data)] = data
                at = b.EndVector()
            tflite.BufferStart(b)
            if at is not None:
                tflite.BufferAddData(b, at)
            buffers.append(tflite.BufferEnd(b))
        tensors = []
        for index, (shape, kind, buffer, scale) in enumerate(self.tensors):
            name = b.CreateString(f"t{index}")
            dims = ints(tflite.TensorStartShapeVector, shape)
            quantization = None
            if scale is not None:
                scales = vector(tflite.QuantizationParametersStartScaleVector, [float(s) for s in scale], b.PrependFloat32)
                zeros = vector(tflite.QuantizationParametersStartZeroPointVector, [0] * len(scale), b.PrependInt64)
                tflite.QuantizationParametersStart(b)
                tflite.QuantizationParametersAddScale(b, scales)
                tflite.QuantizationParametersAddZeroPoint(b, zeros)
                tflite.QuantizationParametersAddQuantizedDimension(b, 0)
                quantization = tflite.QuantizationParametersEnd(b)
            tflite.TensorStart(b)
            tflite.TensorAddShape(b, dims)
            tflite.TensorAddType(b, TYPES[kind])
            tflite.TensorAddBuffer(b, buffer)
            tflite.TensorAddName(b, name)
            if quantization is not None:
                tflite.TensorAddQuantization(b, quantization)
            tflite.TensorAddHasRank(b, True)
            tensors.append(tflite.TensorEnd(b))
        ops = []
        for code, inputs, outputs, options, fields in self.ops:
            table = None
            if options is not None:
                getattr(tflite, f"{options}Start")(b)
                for field, value in fields.items():
                    getattr(tflite, f"{options}Add{field}")(b, value)
                table = getattr(tflite, f"{options}End")(b)
            ins = ints(tflite.OperatorStartInputsVector, inputs)
            outs = ints(tflite.OperatorStartOutputsVector, outputs)
            tflite.OperatorStart(b)
            tflite.OperatorAddOpcodeIndex(b, code)
            tflite.OperatorAddInputs(b, ins)
            tflite.OperatorAddOutputs(b, outs)
            if table is not None:
                tflite.OperatorAddBuiltinOptionsType(b, getattr(tflite.BuiltinOptions, options))
                tflite.OperatorAddBuiltinOptions(b, table)
            ops.append(tflite.OperatorEnd(b))
        codes = []
        for code in self.codes:
            tflite.OperatorCodeStart(b)
            tflite.OperatorCodeAddDeprecatedBuiltinCode(b, min(code, 127))
            tflite.OperatorCodeAddBuiltinCode(b, code)
            # Version 9 of FULLY_CONNECTED knows the asymmetric inputs of int8 rows.
            tflite.OperatorCodeAddVersion(b, 9 if code == tflite.BuiltinOperator.FULLY_CONNECTED else 1)
            codes.append(tflite.OperatorCodeEnd(b))
        tensors = offsets(tflite.SubGraphStartTensorsVector, tensors)
        ins = ints(tflite.SubGraphStartInputsVector, self.inputs)
        outs = ints(tflite.SubGraphStartOutputsVector, self.outputs)
        ops = offsets(tflite.SubGraphStartOperatorsVector, ops)
        tflite.SubGraphStart(b)
        tflite.SubGraphAddTensors(b, tensors)
        tflite.SubGraphAddInputs(b, ins)
        tflite.SubGraphAddOutputs(b, outs)
        tflite.SubGraphAddOperators(b, ops)
        graphs = offsets(tflite.ModelStartSubgraphsVector, [tflite.SubGraphEnd(b)])
        codes = offsets(tflite.ModelStartOperatorCodesVector, codes)
        buffers = offsets(tflite.ModelStartBuffersVector, buffers)
        tflite.ModelStart(b)
        tflite.ModelAddVersion(b, 3)
        tflite.ModelAddOperatorCodes(b, codes)
        tflite.ModelAddSubgraphs(b, graphs)
        tflite.ModelAddBuffers(b, buffers)
        b.Finish(tflite.ModelEnd(b), b"TFL3")
        return bytes(b.Output())
