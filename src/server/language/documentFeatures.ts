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
import type { Finding } from "./finding.ts";
import { codeActionOf, diagnosticOf, hintOf, lensOf, rangeOf, spanOf, symbolOf } from "./lspShapes.ts";
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
import { type SpanEdit, touches } from "./textEdits.ts";

/** What is known for a document, whichever of the two kinds it is. */
export type DocumentContext =
  | { readonly kind: "profile"; readonly context: ProfileContext }
  | { readonly kind: "plan"; readonly context: PlanContext };

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
    if (!found) return [];
    return found.kind === "profile" ? profileFindings(found.context) : planFindings(found.context);
  }

  async hints(document: TextDocument, range: Range): Promise<InlayHint[]> {
    const found = await this.context(document);
    if (!found) return [];
    const within = spanOf(document, range);
    const hints = found.kind === "profile" ? profileHints(found.context) : planHints(found.context, within);
    return hints.filter(({ offset }) => touches(within, { offset, length: 0 })).map((hint) => hintOf(document, hint));
  }

  async lenses(document: TextDocument): Promise<CodeLens[]> {
    const found = await this.context(document);
    if (!found) return [];
    const lenses = found.kind === "profile" ? profileLenses(found.context) : planLenses(found.context);
    return lenses.map((lens) => lensOf(document, lens));
  }

  async hover(document: TextDocument, position: Position): Promise<Hover | null> {
    const found = await this.context(document);
    if (found?.kind !== "plan") return null;
    const hover = planHover(found.context, document.offsetAt(position));
    if (!hover) return null;
    return { range: rangeOf(document, hover), contents: { kind: MarkupKind.Markdown, value: hover.markdown } };
  }

  async symbols(document: TextDocument): Promise<DocumentSymbol[]> {
    const found = await this.context(document);
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
    if (found?.kind !== "plan") return null;
    const target = planTarget(found.context, document.offsetAt(position));
    if (!target) return null;
    const start = { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } };
    if (!links) return { uri: target.uri, range: start };
    return [
      {
        originSelectionRange: rangeOf(document, target.from),
        targetUri: target.uri,
        targetRange: start,
        targetSelectionRange: start,
      },
    ];
  }

  async actions(document: TextDocument, { range, context: { only } }: CodeActionParams): Promise<CodeAction[]> {
    const found = await this.context(document);
    if (!found) return [];
    const span = spanOf(document, range);
    const wants = (kind: string) => !only || only.some((each) => kind === each || kind.startsWith(`${each}.`));
    const actions: CodeAction[] = [];
    if (wants(CodeActionKind.QuickFix)) {
      const findings = found.kind === "profile" ? profileFindings(found.context) : planFindings(found.context);
      for (const finding of findings.filter((each) => touches(each, span))) {
        const diagnostics = [diagnosticOf(document, finding)];
        for (const fix of finding.fixes?.() ?? []) {
          if (fix.edits.length > 0) actions.push(codeActionOf(document, fix, CodeActionKind.QuickFix, diagnostics));
        }
      }
    }
    if (wants(CodeActionKind.RefactorRewrite)) {
      const rewrites =
        found.kind === "profile" ? sortActions(found.context.profile, span) : planActions(found.context, span);
      const offered = new Set(actions.map(({ title }) => title));
      for (const fix of rewrites) {
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
