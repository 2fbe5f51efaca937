import { type FixedInputs, givenTensors, noFixedInputs } from "../data/fixedInputs.ts";
import { SigmaQuantError } from "../errors.ts";
import type { OnnxModel } from "../onnx/model.ts";
import { modelBytes } from "../onnx/write.ts";
import type { Inference, InferenceSession, SessionOptions, ValueInfo } from "../ports.ts";
import type { AssumedDim } from "./assumedDims.ts";
import { placeholders } from "./placeholders.ts";
import { foreignOps, type ShapeModel, shapeModel } from "./shapeModel.ts";

export interface InferredShapes {
  /** Dimensions by value name, where all are known. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Element types by value name, as ONNX Runtime names them. */
  readonly types: ReadonlyMap<string, ValueInfo["type"]>;
  readonly assumed: readonly AssumedDim[];
  /** Why shapes are missing, for the user; undefined when the runtime inferred them. */
  readonly problem?: string;
}

/** Stored bytes up to which a model is handed to the runtime with its weights, when it refuses them as inputs. Our choice. */
const maxMaterializedBytes = 512 * 2 ** 20;

/**
 * Shapes of all values of the main graph, inferred by ONNX Runtime: every value becomes an output, large weights become
 * inputs of known shape (so that no weight is read), open dimensions get their assumed values. What stays open is looked up in one
 * run on made-up inputs. Where the runtime does not load the model, what the file declares is all there is.
 * @param dims values by symbolic name, or `input.axis` for unnamed ones
 * @param fixed values of inputs that are not made up for that run
 */
export async function inferShapes(
  model: OnnxModel,
  inference: Inference,
  dims: Readonly<Record<string, number>> = {},
  fixed: FixedInputs = noFixedInputs,
  signal?: AbortSignal,
): Promise<InferredShapes> {
  const foreign = foreignOps(model);
  const whole = shapeModel(model, dims, { weightsAsInputs: true });
  const attempts: (() => ShapeModel)[] = foreign.length === 0 ? [() => whole] : [];
  if (foreign.length === 0 && whole.weightBytes <= maxMaterializedBytes) {
    attempts.push(() => shapeModel(model, dims, { weightsAsInputs: false }));
  }
  if (foreign.length > 0) attempts.push(() => shapeModel(model, dims, { weightsAsInputs: true, withoutForeign: true }));
  let refusal: unknown;
  for (const attempt of attempts) {
    signal?.throwIfAborted();
    const trial = attempt();
    try {
      const { gap, ...found } = await inferWith(trial, inference, fixed, signal);
      const problem = foreign.length === 0 ? gap : foreignNote(foreign);
      return { ...found, assumed: whole.assumed, ...(problem !== undefined && { problem }) };
    } catch (error) {
      if (signal?.aborted) throw error;
      refusal ??= error;
    }
  }
  return {
    shapes: whole.declared,
    types: new Map(),
    assumed: whole.assumed,
    problem: `Shapes are those that the file declares: ${messageOf(refusal)}`,
  };
}

function foreignNote(operators: readonly string[]): string {
  return `ONNX Runtime does not have ${operators.join(", ")}: shapes behind are as the file declares them`;
}

interface Inferred {
  readonly shapes: Map<string, readonly number[]>;
  readonly types: Map<string, ValueInfo["type"]>;
  /** Why some shapes are not among them. */
  readonly gap?: string;
}

async function inferWith(
  { model, declared, constants, values }: ShapeModel,
  inference: Inference,
  fixed: FixedInputs,
  signal: AbortSignal | undefined,
): Promise<Inferred> {
  const shapes = new Map(constants);
  const types = new Map<string, ValueInfo["type"]>();
  const bytes = await modelBytes(model, signal);
  const stillOpen = () => values.filter((name) => !shapes.has(name) && types.get(name) !== "unknown");
  const infer = async (optimization: SessionOptions["optimization"], lookUp: boolean) => {
    signal?.throwIfAborted();
    const session = await inference.open(bytes, { optimization });
    try {
      for (const value of [...session.inputs, ...session.outputs]) {
        types.set(value.name, value.type);
        const shape = fixedShape(value);
        if (shape && !shapes.has(value.name)) shapes.set(value.name, shape);
      }
      const open = stillOpen();
      signal?.throwIfAborted();
      return lookUp && open.length > 0 ? await runOnce(session, open, shapes, fixed) : undefined;
    } finally {
      await session.close();
    }
  };
  // Plain inference is the quickest; folding what is constant at the assumed dimensions finds most of what it leaves open.
  await infer("disabled", false);
  let gap: string | undefined;
  if (stillOpen().length > 0) {
    gap = await infer("all", true).catch((error: unknown) => {
      if (signal?.aborted) throw error;
      return messageOf(error);
    });
  }
  // A value that nothing told the shape of may still be declared.
  for (const [name, shape] of declared) if (!shapes.has(name)) shapes.set(name, shape);
  const missing = stillOpen().length;
  return { shapes, types, ...(missing > 0 && { gap: `Shapes of ${missing} values are unknown: ${gap}` }) };
}

const floats: ReadonlySet<string> = new Set(["float32", "float64", "float16"] satisfies ValueInfo["type"][]);

/**
 * A value's dimensions where all are known. No dimensions are what the runtime tells of scalars and of values of unknown rank
 * alike: integers of that kind are taken for scalars (they mostly are indices), the rest is looked up in a run.
 */
function fixedShape({ type, dims }: ValueInfo): readonly number[] | undefined {
  if (type === "unknown" || (dims.length === 0 && floats.has(type))) return undefined;
  return dims.every((d): d is number => typeof d === "number" && d >= 0) ? dims : undefined;
}

/** Looks values up in a run on made-up inputs. @returns why that was not possible */
async function runOnce(
  session: InferenceSession,
  values: readonly string[],
  shapes: Map<string, readonly number[]>,
  fixed: FixedInputs,
): Promise<string> {
  const feeds = placeholders(session.inputs);
  if (feeds === undefined) return "no inputs could be made up for a run of the model";
  try {
    const results = await session.run({ ...feeds, ...givenTensors(session.inputs, feeds, fixed) }, values);
    for (const [name, { dims }] of Object.entries(results)) shapes.set(name, dims);
    return "a run of the model did not give them";
  } catch (error) {
    // Made-up inputs, and the assumed dimensions, may not be what the model works on.
    return messageOf(error);
  }
}

function messageOf(error: unknown): string {
  return error instanceof SigmaQuantError ? error.message : String(error);
}
