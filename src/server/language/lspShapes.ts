import {
  type CodeAction,
  type CodeLens,
  type Diagnostic,
  DiagnosticSeverity,
  type DocumentSymbol,
  type InlayHint,
  MarkupKind,
  type Range,
  SymbolKind,
  type TextEdit,
  type WorkspaceEdit,
} from "vscode-languageserver/node";
import type { TextDocument } from "vscode-languageserver-textdocument";
import type { Finding, Fix } from "./finding.ts";
import type { Hint } from "./hint.ts";
import type { Lens } from "./lens.ts";
import type { ModelTextSymbol } from "./modelTextPlaces.ts";
import type { PlanSymbol } from "./planPlaces.ts";
import { endOf, type Span, type SpanEdit } from "./textEdits.ts";

/** What the features found, in the shapes of the Language Server Protocol. */

export function rangeOf(document: TextDocument, span: Span): Range {
  return { start: document.positionAt(span.offset), end: document.positionAt(endOf(span)) };
}

export function spanOf(document: TextDocument, { start, end }: Range): Span {
  const offset = document.offsetAt(start);
  return { offset, length: document.offsetAt(end) - offset };
}

const severities = {
  error: DiagnosticSeverity.Error,
  warning: DiagnosticSeverity.Warning,
  information: DiagnosticSeverity.Information,
} as const;

/** What editors show beside our problems. */
export const diagnosticSource = "sigmaquant";

export function diagnosticOf(document: TextDocument, finding: Finding): Diagnostic {
  const { code, slug, severity, message } = finding;
  return {
    range: rangeOf(document, finding),
    severity: severities[severity],
    code,
    source: diagnosticSource,
    message,
    data: { slug },
  };
}

export function hintOf(document: TextDocument, { offset, label, tooltip }: Hint): InlayHint {
  return {
    position: document.positionAt(offset),
    label,
    paddingLeft: true,
    ...(tooltip !== undefined && { tooltip: { kind: MarkupKind.Markdown, value: tooltip } }),
  };
}

export function lensOf(document: TextDocument, { offset, title, command }: Lens): CodeLens {
  const at = document.positionAt(offset);
  // One without a command is words; the editor takes an empty name for that.
  const run = command ? { command: command.command, arguments: [...command.arguments] } : { command: "" };
  return { range: { start: at, end: at }, command: { title, ...run } };
}

export function symbolOf(document: TextDocument, symbol: PlanSymbol): DocumentSymbol {
  return {
    name: symbol.name,
    detail: symbol.detail,
    kind: SymbolKind.Object,
    range: rangeOf(document, symbol),
    selectionRange: rangeOf(document, symbol.nameSpan),
  };
}

const symbolKinds = {
  graph: SymbolKind.Module,
  layer: SymbolKind.Class,
  node: SymbolKind.Function,
} as const;

export function modelSymbolOf(document: TextDocument, symbol: ModelTextSymbol): DocumentSymbol {
  return {
    name: symbol.name,
    detail: symbol.detail,
    kind: symbolKinds[symbol.kind],
    range: rangeOf(document, symbol),
    selectionRange: rangeOf(document, symbol.nameSpan),
    children: symbol.children.map((child) => modelSymbolOf(document, child)),
  };
}

export function workspaceEdit(document: TextDocument, edits: readonly SpanEdit[]): WorkspaceEdit {
  const sorted = edits.toSorted((a, b) => a.offset - b.offset || a.length - b.length);
  const textEdits = sorted.map((edit): TextEdit => ({ range: rangeOf(document, edit), newText: edit.text }));
  // With the version, so that an edit that comes too late is refused.
  return { documentChanges: [{ textDocument: { uri: document.uri, version: document.version }, edits: textEdits }] };
}

export function codeActionOf(
  document: TextDocument,
  { title, edits, preferred }: Fix,
  kind: string,
  diagnostics?: Diagnostic[],
): CodeAction {
  return {
    title,
    kind,
    edit: workspaceEdit(document, edits),
    ...(diagnostics && { diagnostics }),
    ...(preferred && { isPreferred: true }),
  };
}
