import type { LayerSite } from "../model/discover.ts";
import { extract, liveValues } from "../model/subgraph.ts";
import { type LayerInputs, withWeightInputs } from "../model/weightInputs.ts";
import type { OnnxModel } from "../onnx/model.ts";
import { modelBytes } from "../onnx/write.ts";
import type { Inference, InferenceSession, Tensor } from "../ports.ts";

export type Values = Readonly<Record<string, Tensor>>;

export interface CutInput {
  readonly model: OnnxModel;
  readonly inference: Inference;
  /** ONNX element types by value name, for the cuts. */
  readonly elementTypes: ReadonlyMap<string, number>;
  readonly threads?: number;
}

/** The part of a network from a layer on, that layer's weight being an input. */
export interface Behind {
  readonly session: InferenceSession;
  readonly inputs: LayerInputs;
}

/**
 * The float activations that are alive at one place of the execution order, for all batches. Moves through the network
 * front to back, so that every node runs once; what is kept is what one cut takes.
 */
export class FloatCut {
  private index = 0;

  /** @param feeds of each batch */
  constructor(
    private readonly input: CutInput,
    private state: readonly Values[],
  ) {}

  /** What the part behind the cut needs of a batch. */
  valuesOf(batch: number): Values {
    return this.state[batch] ?? {};
  }

  /** Goes on to the node `index`; does nothing where the cut is there already. */
  async moveTo(index: number, signal?: AbortSignal): Promise<void> {
    const { model } = this.input;
    if (index <= this.index) return;
    const before = liveValues(model.graph, this.index);
    const after = liveValues(model.graph, index);
    const computed = after.filter((name) => !before.includes(name));
    if (computed.length === 0) {
      this.state = this.state.map((values) => pick(values, after));
    } else {
      const session = await openPart(this.input, model, before, computed);
      try {
        const next: Values[] = [];
        for (const values of this.state) {
          signal?.throwIfAborted();
          next.push({ ...pick(values, after), ...(await session.run(feedsOf(session, values))) });
        }
        this.state = next;
      } finally {
        await session.close();
      }
    }
    this.index = index;
  }

  /** A session for what lies behind the cut as it is, up to `outputs`. */
  openRest(outputs: readonly string[]): Promise<InferenceSession> {
    const { model } = this.input;
    return openPart(this.input, model, liveValues(model.graph, this.index), outputs);
  }

  /** A session for what lies behind the cut, with the weight of a layer there as an input. */
  async openBehind(site: LayerSite, outputs: readonly string[]): Promise<Behind> {
    const { model } = this.input;
    const variant = withWeightInputs(model, [site]);
    const inputs = variant.inputs.get(site.layer.name);
    if (inputs === undefined) throw new Error(`no inputs for ${site.layer.name}`);
    const names = [...liveValues(model.graph, this.index), inputs.weight, ...(inputs.bias ? [inputs.bias] : [])];
    return { session: await openPart(this.input, variant.model, names, outputs), inputs };
  }
}

/** The nodes between some values and others, as a session. */
export async function openPart(
  { inference, elementTypes, threads }: CutInput,
  model: OnnxModel,
  from: readonly string[],
  to: readonly string[],
): Promise<InferenceSession> {
  return inference.open(await modelBytes(extract(model, from, to, elementTypes)), {
    optimization: "all",
    ...(threads !== undefined && { threads }),
  });
}

/** Of `values` those that a session takes. */
export function feedsOf(session: InferenceSession, values: Values): Values {
  return pick(
    values,
    session.inputs.map((input) => input.name),
  );
}

function pick(values: Values, names: readonly string[]): Values {
  return Object.fromEntries(names.flatMap((name) => (values[name] ? [[name, values[name]]] : [])));
}
