/**
 * Operators whose output is another view of their first input's bytes: shape and name change, the data do not
 * (ONNX operator specification). They never need a buffer of their own, whether or not the input is used later.
 * Dropout is the identity outside training.
 */
export const viewOps: ReadonlySet<string> = new Set([
  "Dropout",
  "Flatten",
  "Identity",
  "Reshape",
  "Squeeze",
  "Unsqueeze",
]);

/**
 * Operators that can overwrite an input which nobody needs any more: element i of the output depends on element i of that
 * input and on nothing else of it, so that it may be written as soon as it is read. BatchNormalization belongs here at
 * inference (a fixed scale and shift per channel); Cast and the quantizers do when the sizes are equal. Softmax and the
 * normalizations read a whole row before they write, poolings and convolutions read neighbours: they do not.
 */
export const elementwiseOps: ReadonlySet<string> = new Set([
  // one input
  ...[
    "Abs",
    "Acos",
    "Acosh",
    "Asin",
    "Asinh",
    "Atan",
    "Atanh",
    "BatchNormalization",
    "BitwiseNot",
    "Cast",
    "Ceil",
    "Celu",
  ],
  ...["Clip", "Cos", "Cosh", "DequantizeLinear", "Elu", "Erf", "Exp", "Floor", "Gelu", "HardSigmoid", "HardSwish"],
  ...[
    "IsInf",
    "IsNaN",
    "LeakyRelu",
    "Log",
    "Mish",
    "Neg",
    "Not",
    "QuantizeLinear",
    "Reciprocal",
    "Relu",
    "Round",
    "Selu",
  ],
  ...[
    "Shrink",
    "Sigmoid",
    "Sign",
    "Sin",
    "Sinh",
    "Softplus",
    "Softsign",
    "Sqrt",
    "Swish",
    "Tan",
    "Tanh",
    "ThresholdedRelu",
  ],
  // two or more inputs: any of them that has the output's size
  ...["Add", "And", "BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "Div", "Equal", "Greater", "GreaterOrEqual"],
  ...["Less", "LessOrEqual", "Max", "Mean", "Min", "Mod", "Mul", "Or", "Pow", "PRelu", "Sub", "Sum", "Where", "Xor"],
]);
