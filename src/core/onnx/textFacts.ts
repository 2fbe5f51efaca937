import type { FunctionProto, ModelProto, OperatorSetIdProto, StringStringEntryProto } from "onnx-buf";
import { quoted, stringText } from "./textNames.ts";

/** What stands before a model's graph (`other-data`): `ir_version: 8`, `opset_import: ["" : 17]` and what else the file says. */
export function modelFacts(model: ModelProto): readonly string[] {
  return [
    `ir_version: ${model.irVersion}`,
    `opset_import: ${opsetsText(model.opsetImport)}`,
    ...factText("producer_name", model.producerName),
    ...factText("producer_version", model.producerVersion),
    ...factText("domain", model.domain),
    ...(model.modelVersion === 0n ? [] : [`model_version: ${model.modelVersion}`]),
    ...factText("doc_string", model.docString),
    ...(model.metadataProps.length === 0 ? [] : [`metadata_props: ${metadataText(model.metadataProps)}`]),
  ];
}

/** What stands before a function. */
export function functionFacts(body: FunctionProto): readonly string[] {
  return [
    `domain: ${quoted(body.domain)}`,
    ...factText("overload", body.overload),
    `opset_import: ${opsetsText(body.opsetImport)}`,
    ...factText("doc_string", body.docString),
  ];
}

function opsetsText(opsets: readonly OperatorSetIdProto[]): string {
  return `[${opsets.map(({ domain, version }) => `${quoted(domain)} : ${version}`).join(", ")}]`;
}

function factText(key: string, value: string): readonly string[] {
  return value === "" ? [] : [`${key}: ${stringText(value).text}`];
}

function metadataText(entries: readonly StringStringEntryProto[]): string {
  return `[${entries.map(({ key, value }) => `${quoted(key)}: ${stringText(value).text}`).join(", ")}]`;
}
