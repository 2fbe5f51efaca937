import { create } from "@bufbuild/protobuf";
import { type FunctionProto, type GraphProto, type OperatorSetIdProto, OperatorSetIdProtoSchema } from "onnx-buf";
import { opsetOf } from "./graph.ts";
import { raiseIrVersion } from "./irVersion.ts";
import type { OnnxModel } from "./model.ts";
import { ModelFacts } from "./modelFacts.ts";
import { newestOpset, oldestOpset } from "./opsetRewrites.ts";
import { RewriteDraft } from "./rewriteDraft.ts";
import { attributeGraphs } from "./walk.ts";

export interface OpsetChange {
  readonly from: number;
  /** Operators that have no equal in the newer opset, as far as is known here; the model is unchanged when there are any. */
  readonly blockers: readonly string[];
}

/** An initializer that is no graph input needs it (ONNX IR specification); the rewrites add some. */
const constantsVersion = 4n;

/**
 * Raises the model's ONNX opset, rewriting the operators whose form changed, in bodies and functions too. All or nothing.
 * Nodes stay the same objects; rewriting may put nodes before and behind them. Does nothing if the opset is as new already.
 * @param target an opset of the domain "", up to 25
 * @param rankOf ranks of values, where known besides what the model declares
 */
export function raiseOpset(
  model: OnnxModel,
  target: number,
  rankOf: (value: string) => number | undefined = () => undefined,
): OpsetChange {
  if (target > newestOpset) throw new RangeError(`opset ${target} is newer than ${newestOpset}`);
  const { proto } = model;
  const from = opsetOf(proto, "");
  if (from >= target) return { from, blockers: [] };
  const facts = new ModelFacts(proto, model.graph);
  const blockers = new Set<string>();
  const drafts: RewriteDraft[] = [];
  const add = (body: GraphProto | FunctionProto, version: number, outer?: RewriteDraft) => {
    const own = new RewriteDraft({
      body,
      target,
      facts,
      tensors: model.tensors,
      rankOf: (name) => rankOf(name) ?? facts.rank(name),
      ...(outer && { outer }),
    });
    drafts.push(own);
    for (const node of body.node) {
      for (const attribute of node.attribute)
        for (const { graph } of attributeGraphs(attribute)) add(graph, version, own);
    }
    if (version < oldestOpset && own.usesDefaultDomain()) blockers.add(`opset ${version}`);
    for (const blocker of own.rewrite(version)) blockers.add(blocker);
  };
  add(model.graph, from);
  for (const { initialization, algorithm } of proto.trainingInfo) {
    if (initialization) add(initialization, from);
    if (algorithm) add(algorithm, from);
  }
  for (const body of proto.functions) add(body, versionOf(body.opsetImport) ?? target);
  if (blockers.size > 0) return { from, blockers: [...blockers] };
  for (const draft of drafts) draft.commit();
  raiseImports(proto.opsetImport, target);
  if (versionOf(proto.opsetImport) === undefined)
    proto.opsetImport.push(create(OperatorSetIdProtoSchema, { domain: "", version: BigInt(target) }));
  for (const body of proto.functions) raiseImports(body.opsetImport, target);
  raiseIrVersion(model, constantsVersion);
  return { from, blockers: [] };
}

function isDefault(domain: string): boolean {
  return domain === "" || domain === "ai.onnx";
}

function versionOf(imports: readonly OperatorSetIdProto[]): number | undefined {
  const found = imports.find((opset) => isDefault(opset.domain));
  return found && Number(found.version);
}

function raiseImports(imports: readonly OperatorSetIdProto[], target: number): void {
  for (const opset of imports) {
    if (isDefault(opset.domain) && opset.version < target) opset.version = BigInt(target);
  }
}
