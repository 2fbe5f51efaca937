import { attribute, intAttribute, node, stringAttribute } from "./build.ts";
import { resizeCoordinates, upsampleToResize } from "./opsetResize.ts";
import type { RewriteSite } from "./rewriteSite.ts";

/** Newest opset whose changes are known here. */
export const newestOpset = 25;

/** Oldest opset that can be raised: below, broadcasting is limited and has an axis. */
export const oldestOpset = 7;

export interface OpsetRewrite {
  readonly op: string;
  /** First opset with the new form. */
  readonly since: number;
  /** Writes the node in the new form; false when there is no equal one. */
  readonly apply: (site: RewriteSite) => boolean;
}

const no = () => false;

/**
 * Every change of opsets 8 to 25 that alters what a node written for the opset before means, or how it is written (ONNX,
 * docs/Changelog.md, compared version by version; onnx/version_converter has the same list). All other changes add types,
 * optional inputs, and attributes whose defaults are the old meaning. In the order in which they apply.
 */
export const opsetRewrites: readonly OpsetRewrite[] = [
  { op: "BatchNormalization", since: 9, apply: spatialOnly },
  // An experimental operator before, with other attributes.
  { op: "MeanVarianceNormalization", since: 9, apply: no },
  // Opset 8 has a batch axis and lengths.
  { op: "Scan", since: 9, apply: no },
  // The mask's type changed from the data's to bool.
  { op: "Dropout", since: 10, apply: (site) => site.keepFirstOutput() },
  { op: "Slice", since: 10, apply: sliceRange },
  { op: "TopK", since: 10, apply: topKCount },
  { op: "Upsample", since: 10, apply: upsampleToResize },
  // Experimental operators, withdrawn from the standard; ONNX Runtime runs some of them up to opset 9.
  ...["ATen", "Affine", "ConstantFill", "Crop", "DynamicSlice", "GRUUnit", "GivenTensorFill", "ImageScaler"].map(
    withdrawn,
  ),
  ...["ParametricSoftplus", "Scale", "ScaledTanh"].map(withdrawn),
  { op: "Clip", since: 11, apply: clipBounds },
  { op: "Pad", since: 11, apply: padAmounts },
  { op: "Resize", since: 11, apply: resizeCoordinates },
  { op: "Scatter", since: 11, apply: scatterElements },
  { op: "Dropout", since: 12, apply: dropoutRatio },
  ...["Hardmax", "LogSoftmax", "Softmax"].map((op) => ({ op, since: 13, apply: softmaxAxis })),
  ...["ReduceSum", "Squeeze", "Unsqueeze"].map((op) => ({ op, since: 13, apply: axesToInput })),
  { op: "Resize", since: 13, apply: (site) => stringAttribute(site.draft, coordinates, "") !== "tf_half_pixel_for_nn" },
  { op: "Split", since: 13, apply: (site) => intsToInput(site, "split") },
  // More than one output meant training; later that is said by training_mode.
  { op: "BatchNormalization", since: 14, apply: (site) => site.keepFirstOutput() },
  { op: "RoiAlign", since: 16, apply: roiCoordinates },
  ...["L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "SumSquare"].map((name) => ({
    op: `Reduce${name}`,
    since: 18,
    apply: axesToInput,
  })),
  { op: "Split", since: 18, apply: splitCount },
  { op: "DFT", since: 20, apply: dftAxis },
  { op: "GridSample", since: 20, apply: gridMode },
  // Scale and bias of each group became those of each channel.
  { op: "GroupNormalization", since: 21, apply: no },
  // Unchanged but for a type that was added; ONNX Runtime (1.30) has them up to opset 21 alone, and the file is to run.
  ...["Bernoulli", "GlobalLpPool", "MaxRoiPool", "Multinomial", "RandomNormal", "RandomNormalLike"].map(notRunnable),
  ...["RandomUniform", "RandomUniformLike", "RoiAlign"].map(notRunnable),
];

const coordinates = "coordinate_transformation_mode";

function withdrawn(op: string): OpsetRewrite {
  return { op, since: 10, apply: no };
}

function notRunnable(op: string): OpsetRewrite {
  return { op, since: 22, apply: no };
}

function spatialOnly(site: RewriteSite): boolean {
  if (intAttribute(site.draft, "spatial", 1) !== 1) return false;
  site.removeAttribute("spatial");
  return true;
}

/** An attribute of integers becomes an input behind the data; left out, it stays left out. */
function intsToInput(site: RewriteSite, name: string): boolean {
  const values = site.attribute(name)?.ints;
  if (values) site.setInput(1, site.ints(values));
  site.removeAttribute(name);
  return true;
}

function axesToInput(site: RewriteSite): boolean {
  return intsToInput(site, "axes");
}

function clipBounds(site: RewriteSite): boolean {
  for (const [i, name] of ["min", "max"].entries()) {
    const bound = site.attribute(name);
    if (bound === undefined) continue;
    const constant = site.scalarLike(bound.f, site.input(0));
    if (constant === undefined) return false;
    site.setInput(i + 1, constant);
  }
  site.removeAttribute("min", "max");
  return true;
}

function padAmounts(site: RewriteSite): boolean {
  const value = site.attribute("value")?.f ?? 0;
  if (!intsToInput(site, "pads")) return false;
  if (value !== 0) {
    const constant = site.scalarLike(value, site.input(0));
    if (constant === undefined) return false;
    site.setInput(2, constant);
  }
  site.removeAttribute("value");
  return true;
}

function sliceRange(site: RewriteSite): boolean {
  for (const [i, name] of ["starts", "ends", "axes"].entries()) {
    const values = site.attribute(name)?.ints;
    if (values) site.setInput(i + 1, site.ints(values));
  }
  site.removeAttribute("starts", "ends", "axes");
  return true;
}

function topKCount(site: RewriteSite): boolean {
  site.setInput(1, site.ints([site.attribute("k")?.i ?? 1n]));
  site.removeAttribute("k");
  return true;
}

function scatterElements(site: RewriteSite): boolean {
  site.draft.opType = "ScatterElements";
  return true;
}

/** At inference Dropout hands its input on whatever the ratio; what its mask is then was not said before. */
function dropoutRatio(site: RewriteSite): boolean {
  site.removeAttribute("ratio", "seed");
  return site.keepFirstOutput();
}

function splitCount(site: RewriteSite): boolean {
  if (site.input(1) === "") site.setAttribute(attribute.int("num_outputs", site.draft.output.length));
  return true;
}

/**
 * Before opset 13 these took all axes from `axis` (default 1) on together; since then only `axis` itself. The same where
 * that is the last one; otherwise the axes are joined before and parted again behind.
 */
function softmaxAxis(site: RewriteSite): boolean {
  const { draft, scope } = site;
  const axis = intAttribute(draft, "axis", 1);
  const last = attribute.int("axis", -1);
  const rank = scope.rankOf(site.input(0));
  site.setAttribute(last);
  if (axis === -1 || axis + 1 === rank) return true;
  const [data, result] = [site.input(0), draft.output[0] ?? ""];
  const [shape, flat, inner] = [site.name("shape"), site.name("flat"), site.name("joined")];
  site.before.push(node("Shape", [data], [shape]));
  site.before.push(node("Flatten", [data], [flat], { attributes: [attribute.int("axis", axis)] }));
  site.setInput(0, flat);
  draft.output[0] = inner;
  site.after.push(node("Reshape", [inner, shape], [result]));
  return true;
}

/** The default changed from no shift by half a pixel to one. */
function roiCoordinates(site: RewriteSite): boolean {
  if (!site.attribute(coordinates)) site.setAttribute(attribute.string(coordinates, "output_half_pixel"));
  return true;
}

function dftAxis(site: RewriteSite): boolean {
  site.setInput(2, site.ints([site.attribute("axis")?.i ?? 1n], []));
  site.removeAttribute("axis");
  return true;
}

const gridModes: Readonly<Record<string, string>> = { bilinear: "linear", bicubic: "cubic", nearest: "nearest" };

function gridMode(site: RewriteSite): boolean {
  const mode = gridModes[stringAttribute(site.draft, "mode", "bilinear")];
  if (mode !== undefined) site.setAttribute(attribute.string("mode", mode));
  return mode !== undefined;
}
