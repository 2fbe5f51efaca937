import type { FunctionProto, GraphProto, NodeProto, TensorProto } from "onnx-buf";
import { nodeReads } from "./cycles.ts";
import { freshNames } from "./graph.ts";
import type { ModelFacts } from "./modelFacts.ts";
import { opsetRewrites } from "./opsetRewrites.ts";
import { constantNode, type RewriteScope, RewriteSite } from "./rewriteSite.ts";
import type { TensorStore } from "./tensors.ts";

interface DraftOptions {
  readonly body: GraphProto | FunctionProto;
  readonly outer?: RewriteDraft;
  readonly target: number;
  readonly facts: ModelFacts;
  readonly tensors: TensorStore;
  readonly rankOf: (value: string) => number | undefined;
}

/** The rewritten nodes of one graph or function, kept back until it is known that the whole model can be raised. */
export class RewriteDraft implements RewriteScope {
  readonly facts: ModelFacts;
  readonly tensors: TensorStore;
  readonly target: number;
  readonly rankOf: (value: string) => number | undefined;
  readonly fresh: (wanted: string) => string;
  private readonly body: GraphProto | FunctionProto;
  private readonly outer: RewriteDraft | undefined;
  private readonly sites = new Map<NodeProto, RewriteSite>();
  private readonly added: TensorProto[] = [];
  private reads: ReadonlySet<string> | undefined;
  private constants: ReadonlyMap<string, TensorProto> | undefined;

  constructor(options: DraftOptions) {
    this.body = options.body;
    this.outer = options.outer;
    this.facts = options.facts;
    this.tensors = options.tensors;
    this.target = options.target;
    this.rankOf = options.rankOf;
    // Bodies share the outermost graph's names: they may not shadow them.
    this.fresh = options.outer?.fresh ?? freshNames(options.body);
  }

  usesDefaultDomain(): boolean {
    return this.body.node.some(isStandard);
  }

  /** Rewrites every node whose form changed; returns the operators that cannot be. */
  rewrite(from: number): ReadonlySet<string> {
    const blockers = new Set<string>();
    const due = opsetRewrites.filter((change) => from < change.since && change.since <= this.target);
    const ops = new Set(due.map((change) => change.op));
    for (const node of this.body.node) {
      if (!isStandard(node) || !ops.has(node.opType)) continue;
      // A function's parameters are not known here.
      if (node.attribute.some((attribute) => attribute.refAttrName !== "")) {
        blockers.add(node.opType);
        continue;
      }
      const site = new RewriteSite(this, node);
      // A rewrite may make another operator of the node, with changes of its own.
      const possible = due.every((change) => change.op !== site.draft.opType || change.apply(site));
      if (!possible) blockers.add(node.opType);
      this.sites.set(node, site);
    }
    return blockers;
  }

  commit(): void {
    const { body } = this;
    const nodes = body.node.flatMap((node) => {
      const site = this.sites.get(node);
      return site ? [...site.before, node, ...site.after] : [node];
    });
    const dropped = new Set<string>();
    for (const [node, { draft }] of this.sites) {
      for (const name of node.output.slice(draft.output.length)) dropped.add(name);
      const { opType, input, output, attribute } = draft;
      Object.assign(node, { opType, input, output, attribute });
    }
    body.valueInfo = body.valueInfo.filter((value) => !dropped.has(value.name));
    if (body.$typeName === "onnx.GraphProto") body.initializer.push(...this.added);
    else nodes.unshift(...this.added.map(constantNode));
    body.node = nodes;
  }

  addConstant(constant: TensorProto): void {
    this.added.push(constant);
  }

  constant(name: string): TensorProto | undefined {
    this.constants ??= constantsOf(this.body);
    return this.constants.get(name) ?? this.outer?.constant(name);
  }

  isRead(name: string): boolean {
    this.reads ??= readsOf(this.body);
    return this.reads.has(name);
  }
}

function isStandard(node: NodeProto): boolean {
  return node.domain === "" || node.domain === "ai.onnx";
}

function constantsOf(body: GraphProto | FunctionProto): ReadonlyMap<string, TensorProto> {
  const constants = new Map<string, TensorProto>();
  if (body.$typeName === "onnx.GraphProto") for (const tensor of body.initializer) constants.set(tensor.name, tensor);
  for (const node of body.node) {
    const value = node.opType === "Constant" ? node.attribute.find(({ name }) => name === "value")?.t : undefined;
    if (value) constants.set(node.output[0] ?? "", value);
  }
  return constants;
}

function readsOf(body: GraphProto | FunctionProto): ReadonlySet<string> {
  const reads = new Set<string>();
  for (const node of body.node) for (const name of nodeReads(node)) reads.add(name);
  for (const output of body.output) reads.add(typeof output === "string" ? output : output.name);
  return reads;
}
