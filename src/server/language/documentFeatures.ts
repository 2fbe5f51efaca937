import {
  type CodeAction,
  CodeActionKind,
  type CodeActionParams,
  type CodeLens,
  type Definition,
  type DocumentSymbol,
  type Hover,
  type InlayHint,
  type LocationLink,
  MarkupKind,
  type Position,
  type Range,
} from "vscode-languageserver/node";
import type { TextDocument } from "vscode-languageserver-textdocument";
import { budgetEdits } from "./budgetFindings.ts";
import { documentKind } from "./documentKind.ts";
import { nearestLimits } from "./feasible.ts";
import type { Finding, Fix } from "./finding.ts";
import type { Hint } from "./hint.ts";
import type { Lens } from "./lens.ts";
import {
  codeActionOf,
  diagnosticOf,
  diagnosticSource,
  hintOf,
  lensOf,
  modelSymbolOf,
  rangeOf,
  spanOf,
  symbolOf,
} from "./lspShapes.ts";
import type { ModelTextContext } from "./modelTextContext.ts";
import { modelTextHints } from "./modelTextHints.ts";
import { modelTextHover } from "./modelTextHover.ts";
import { modelTextLenses } from "./modelTextLenses.ts";
import { modelTextSymbols, modelTextTarget } from "./modelTextPlaces.ts";
import { planActions, reallocateActions } from "./planActions.ts";
import type { PlanContext } from "./planContext.ts";
import { planFindings } from "./planFindings.ts";
import { planHints } from "./planHints.ts";
import { planHover } from "./planHover.ts";
import { planLenses } from "./planLenses.ts";
import { planSymbols, planTarget } from "./planPlaces.ts";
import type { ProfileContext } from "./profileContext.ts";
import { profileFindings } from "./profileFindings.ts";
import { sortActions } from "./profileFixes.ts";
import { profileHints } from "./profileHints.ts";
import { profileLenses } from "./profileLenses.ts";
import { type Span, type SpanEdit, touches } from "./textEdits.ts";

/** What is known for a document, whichever of the kinds it is. */
export type DocumentContext =
  | { readonly kind: "profile"; readonly context: ProfileContext }
  | { readonly kind: "plan"; readonly context: PlanContext }
  | { readonly kind: "model"; readonly context: ModelTextContext };

/** Finds out what is known for a text. */
export type ContextOf = (uri: string, text: string) => Promise<DocumentContext | undefined>;

/** The features of one document, as requests of the protocol ask for them; what they say is in the files of each. */
export class DocumentFeatures {
  constructor(private readonly contextOf: ContextOf) {}

  /** Of the text as it is when the answer is given: positions are of that one. */
  async context(document: TextDocument): Promise<DocumentContext | undefined> {
    if (documentKind(document.uri) === undefined) return undefined;
    for (;;) {
      const { version } = document;
      const found = await this.contextOf(document.uri, document.getText());
      if (document.version === version) return found;
    }
  }

  async findings(document: TextDocument): Promise<readonly Finding[]> {
    const found = await this.context(document);
    return found ? findingsOf(found) : [];
  }

  async hints(document: TextDocument, range: Range): Promise<InlayHint[]> {
    const found = await this.context(document);
    if (!found) return [];
    const within = spanOf(document, range);
    return hintsOf(found, within)
      .filter(({ offset }) => touches(within, { offset, length: 0 }))
      .map((hint) => hintOf(document, hint));
  }

  async lenses(document: TextDocument): Promise<CodeLens[]> {
    const found = await this.context(document);
    if (!found) return [];
    return lensesOf(found).map((lens) => lensOf(document, lens));
  }

  async hover(document: TextDocument, position: Position): Promise<Hover | null> {
    const found = await this.context(document);
    const offset = document.offsetAt(position);
    const hover =
      found?.kind === "plan"
        ? planHover(found.context, offset)
        : found?.kind === "model"
          ? modelTextHover(found.context, offset)
          : undefined;
    if (!hover) return null;
    return { range: rangeOf(document, hover), contents: { kind: MarkupKind.Markdown, value: hover.markdown } };
  }

  async symbols(document: TextDocument): Promise<DocumentSymbol[]> {
    const found = await this.context(document);
    if (found?.kind === "model")
      return modelTextSymbols(found.context).map((symbol) => modelSymbolOf(document, symbol));
    if (found?.kind !== "plan") return [];
    return planSymbols(found.context).map((symbol) => symbolOf(document, symbol));
  }

  /** @param links whether the editor takes links, which tell what is underlined */
  async definition(
    document: TextDocument,
    position: Position,
    links: boolean,
  ): Promise<Definition | LocationLink[] | null> {
    const found = await this.context(document);
    if (found?.kind === "model") return modelDefinition(document, found.context, position, links);
    if (found?.kind !== "plan") return null;
    const target = planTarget(found.context, document.offsetAt(position));
    if (!target) return null;
    if (!links) return { uri: target.uri, range: startOfFile };
    return [
      {
        originSelectionRange: rangeOf(document, target.from),
        targetUri: target.uri,
        targetRange: startOfFile,
        targetSelectionRange: startOfFile,
      },
    ];
  }

  async actions(
    document: TextDocument,
    { range, context: { only, diagnostics: shown } }: CodeActionParams,
  ): Promise<CodeAction[]> {
    const found = await this.context(document);
    if (!found) return [];
    const span = spanOf(document, range);
    const wants = (kind: string) => !only || only.some((each) => kind === each || kind.startsWith(`${each}.`));
    const actions: CodeAction[] = [];
    if (wants(CodeActionKind.QuickFix)) {
      for (const finding of findingsOf(found).filter((each) => touches(each, span))) {
        // What the editor found by itself is repaired as ours is, which it is told of instead.
        const editors = shown.filter(
          (each) =>
            finding.inSchema && each.source !== diagnosticSource && touches(spanOf(document, each.range), finding),
        );
        const diagnostics = [...editors, diagnosticOf(document, finding)];
        for (const fix of finding.fixes?.() ?? []) {
          if (fix.edits.length > 0) actions.push(codeActionOf(document, fix, CodeActionKind.QuickFix, diagnostics));
        }
      }
    }
    if (wants(CodeActionKind.RefactorRewrite)) {
      const offered = new Set(actions.map(({ title }) => title));
      for (const fix of rewritesOf(found, span)) {
        if (!offered.has(fix.title)) actions.push(codeActionOf(document, fix, CodeActionKind.RefactorRewrite));
      }
    }
    return actions;
  }

  /** Edits that raise all budgets that the model last in use can't meet. */
  async raisedBudgets(document: TextDocument): Promise<readonly SpanEdit[]> {
    const found = await this.context(document);
    if (found?.kind !== "profile") return [];
    const [first] = found.context.models;
    return first ? budgetEdits(found.context.profile, nearestLimits(first.model)) : [];
  }

  /** Edits that allocate all layers of a plan but the pinned ones anew. */
  async reallocated(document: TextDocument): Promise<readonly SpanEdit[]> {
    const found = await this.context(document);
    return found?.kind === "plan" ? (reallocateActions(found.context)[0]?.edits ?? []) : [];
  }
}

function findingsOf(found: DocumentContext): readonly Finding[] {
  switch (found.kind) {
    case "profile":
      return profileFindings(found.context);
    case "plan":
      return planFindings(found.context);
    case "model":
      return [];
  }
}

function hintsOf(found: DocumentContext, within: Span): readonly Hint[] {
  switch (found.kind) {
    case "profile":
      return profileHints(found.context);
    case "plan":
      return planHints(found.context, within);
    case "model":
      return modelTextHints(found.context, within);
  }
}

function lensesOf(found: DocumentContext): readonly Lens[] {
  switch (found.kind) {
    case "profile":
      return profileLenses(found.context);
    case "plan":
      return planLenses(found.context);
    case "model":
      return modelTextLenses(found.context);
  }
}

function rewritesOf(found: DocumentContext, span: Span): readonly Fix[] {
  switch (found.kind) {
    case "profile":
      return sortActions(found.context.profile, span);
    case "plan":
      return planActions(found.context, span);
    case "model":
      return [];
  }
}

const startOfFile = { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } };

/** A layer's is its model; the layer's name is in the fragment, which the extension takes out again. */
function modelDefinition(
  document: TextDocument,
  context: ModelTextContext,
  position: Position,
  links: boolean,
): Definition | LocationLink[] | null {
  const target = modelTextTarget(context, document.offsetAt(position));
  if (!target) return null;
  const range = target.kind === "value" ? rangeOf(document, target.to) : startOfFile;
  const uri = target.kind === "value" ? document.uri : `${context.modelUri}#${encodeURIComponent(target.layer)}`;
  if (!links) return { uri: target.kind === "value" ? uri : context.modelUri, range };
  return [
    {
      originSelectionRange: rangeOf(document, target.from),
      targetUri: uri,
      targetRange: range,
      targetSelectionRange: range,
    },
  ];
}
