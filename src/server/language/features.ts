import {
  type ClientCapabilities,
  CodeActionKind,
  CodeLensRefreshRequest,
  type Connection,
  type ServerCapabilities,
  type TextDocuments,
} from "vscode-languageserver/node";
import type { TextDocument } from "vscode-languageserver-textdocument";
import { SigmaQuantError } from "../../core/errors.ts";
import { type DocumentContext, DocumentFeatures } from "./documentFeatures.ts";
import { documentKind } from "./documentKind.ts";
import type { LanguageHost } from "./host.ts";
import { lensCommands } from "./lens.ts";
import { diagnosticOf, workspaceEdit } from "./lspShapes.ts";
import { ModelFiles } from "./modelFiles.ts";
import { ModelTextKnowledge } from "./modelTextKnowledge.ts";
import { PlanIndex } from "./planIndex.ts";
import { PlanKnowledge } from "./planKnowledge.ts";
import { ProfileKnowledge } from "./profileKnowledge.ts";
import type { SpanEdit } from "./textEdits.ts";

/** Problems follow typing within this time; a burst of keys is looked at once. */
const typingMs = 60;
/** While a model is analyzed its state changes many times a second; what depends on it is shown anew at most this often. */
const outsideMs = 300;

/** What the server can do for the texts of profiles, plans and models. */
export const languageCapabilities: ServerCapabilities = {
  codeLensProvider: { resolveProvider: false },
  inlayHintProvider: true,
  hoverProvider: true,
  codeActionProvider: { codeActionKinds: [CodeActionKind.QuickFix, CodeActionKind.RefactorRewrite] },
  documentSymbolProvider: { label: "SigmaQuant" },
  definitionProvider: true,
  executeCommandProvider: { commands: [lensCommands.raiseBudgets, lensCommands.reallocatePlan] },
};

/** Answers the editor's requests for profiles, plans and models as text, and keeps their problems and figures in step with what is typed and known. */
export class LanguageFeatures {
  private readonly features: DocumentFeatures;
  private readonly plans: PlanIndex;
  private readonly profileKnowledge: ProfileKnowledge;
  private readonly planKnowledge: PlanKnowledge;
  private readonly modelKnowledge: ModelTextKnowledge;
  /** What the editor's lenses and hints were made from, by document. */
  private readonly served = new Map<string, DocumentContext["context"]>();
  private readonly published = new Map<string, string>();
  private typingTimer: NodeJS.Timeout | undefined;
  private outsideTimer: NodeJS.Timeout | undefined;
  private lastOutside = Number.NEGATIVE_INFINITY;
  /** The editor checks JSON against our schemas by itself: what it says is not said again. */
  private checksJson = false;

  constructor(
    private readonly connection: Connection,
    private readonly documents: TextDocuments<TextDocument>,
    private readonly host: LanguageHost,
    private readonly client: ClientCapabilities,
  ) {
    const files = new ModelFiles(() => this.changed());
    this.plans = new PlanIndex(host);
    this.profileKnowledge = new ProfileKnowledge(host, files, this.plans);
    this.planKnowledge = new PlanKnowledge(host, files);
    this.modelKnowledge = new ModelTextKnowledge(host);
    this.features = new DocumentFeatures((uri, text) => this.contextOf(uri, text));
    documents.onDidChangeContent(({ document }) => this.typed(document.uri));
    documents.onDidClose(({ document }) => this.closed(document));
    this.answer();
  }

  /** Something that texts do not say has changed: a model's figures, which model is in use, files. */
  changed(): void {
    if (this.outsideTimer) return;
    const wait = Math.max(typingMs, this.lastOutside + outsideMs - performance.now());
    this.outsideTimer = setTimeout(() => {
      this.outsideTimer = undefined;
      this.lastOutside = performance.now();
      void this.follow();
    }, wait);
  }

  /** A model as text. @throws SigmaQuantError where its file can't be read */
  modelText(uri: string): Promise<string> {
    return this.modelKnowledge.textOf(uri);
  }

  dispose(): void {
    clearTimeout(this.typingTimer);
    clearTimeout(this.outsideTimer);
  }

  private answer(): void {
    const { connection, features } = this;
    const on = <T>(uri: string, otherwise: T, body: (document: TextDocument) => Promise<T>): Promise<T> => {
      const document = this.documents.get(uri);
      return document ? body(document) : Promise.resolve(otherwise);
    };
    connection.onCodeLens(({ textDocument: { uri } }) =>
      on(uri, [], async (document) => {
        await this.serve(document);
        return features.lenses(document);
      }),
    );
    connection.languages.inlayHint.on(({ textDocument: { uri }, range }) =>
      on(uri, [], async (document) => {
        await this.serve(document);
        return features.hints(document, range);
      }),
    );
    connection.onHover(({ textDocument: { uri }, position }) => on(uri, null, (d) => features.hover(d, position)));
    connection.onDocumentSymbol(({ textDocument: { uri } }) => on(uri, [], (d) => features.symbols(d)));
    connection.onCodeAction((params) => on(params.textDocument.uri, [], (d) => features.actions(d, params)));
    connection.onDidChangeConfiguration(({ settings }) => this.setChecksJson(checksJson(settings)));
    const links = this.client.textDocument?.definition?.linkSupport ?? false;
    connection.onDefinition(({ textDocument: { uri }, position }) =>
      on(uri, null, (d) => features.definition(d, position, links)),
    );
    connection.onExecuteCommand(async ({ command, arguments: args = [] }) => {
      const { uri } = (args[0] ?? {}) as { readonly uri?: string };
      const document = uri === undefined ? undefined : this.documents.get(uri);
      if (!document) return;
      if (command === lensCommands.raiseBudgets) {
        await this.apply(document, "Raise budgets", await features.raisedBudgets(document));
      } else if (command === lensCommands.reallocatePlan) {
        await this.apply(document, "Re-allocate", await features.reallocated(document));
      }
    });
  }

  private setChecksJson(checks: boolean): void {
    if (this.checksJson === checks) return;
    this.checksJson = checks;
    this.changed();
  }

  private async apply(document: TextDocument, label: string, edits: readonly SpanEdit[]): Promise<void> {
    if (edits.length === 0) return;
    const edit = workspaceEdit(document, edits);
    await this.connection.workspace.applyEdit({ label, edit });
  }

  private async contextOf(uri: string, text: string): Promise<DocumentContext | undefined> {
    switch (documentKind(uri)) {
      case "profile":
        return { kind: "profile", context: await this.profileKnowledge.context(uri, text) };
      case "plan":
        return { kind: "plan", context: await this.planKnowledge.context(uri, text) };
      case "model":
        return { kind: "model", context: await this.modelKnowledge.context(uri, text) };
      case undefined:
        return undefined;
    }
  }

  private async serve(document: TextDocument): Promise<void> {
    const found = await this.features.context(document);
    if (found) this.served.set(document.uri, found.context);
  }

  private typed(uri: string): void {
    if (documentKind(uri) === "plan") this.plans.invalidate();
    clearTimeout(this.typingTimer);
    this.typingTimer = setTimeout(() => void this.follow(), typingMs);
  }

  private closed(document: TextDocument): void {
    const { uri } = document;
    this.served.delete(uri);
    this.published.delete(uri);
    this.profileKnowledge.forget(uri);
    this.planKnowledge.forget(uri);
    this.modelKnowledge.forget(uri);
    // What was typed and not saved counts no more.
    if (documentKind(uri) === "plan") this.plans.invalidate();
    this.connection.sendDiagnostics({ uri, diagnostics: [] }).catch(ignore);
    this.changed();
  }

  /** Publishes the problems of all open documents, and has lenses and hints asked for again where their figures changed. */
  private async follow(): Promise<void> {
    let outdated = false;
    for (const document of this.documents.all()) {
      if (documentKind(document.uri) === undefined) continue;
      try {
        await this.publish(document);
        const now = (await this.features.context(document))?.context;
        const served = this.served.get(document.uri);
        // The editor asks by itself for a text that was typed in.
        if (served && served !== now && textOf(served) === textOf(now)) outdated = true;
      } catch (error) {
        this.connection.console.warn(`${document.uri} could not be looked at: ${describe(error)}`);
      }
    }
    if (!outdated) return;
    const { workspace } = this.client;
    if (workspace?.codeLens?.refreshSupport) this.connection.sendRequest(CodeLensRefreshRequest.type).catch(ignore);
    if (workspace?.inlayHint?.refreshSupport) this.connection.languages.inlayHint.refresh().catch(ignore);
  }

  private async publish(document: TextDocument): Promise<void> {
    const { uri, version } = document;
    // The text of a plan that was deleted may still be shown; nobody looks for its problems.
    const findings = this.host.texts.isDeleted(uri) ? [] : await this.features.findings(document);
    // It may have been closed meanwhile.
    if (this.documents.get(uri) !== document) return;
    const own = findings.filter(({ inSchema }) => !(inSchema && this.checksJson));
    const diagnostics = own.map((finding) => diagnosticOf(document, finding));
    const text = JSON.stringify([version, diagnostics]);
    if (this.published.get(uri) === text) return;
    this.published.set(uri, text);
    await this.connection.sendDiagnostics({ uri, version, diagnostics });
  }
}

/** VS Code sends the setting of its JSON editor, which is on unless told otherwise; other editors send nothing of the kind. */
function checksJson(settings: unknown): boolean {
  const { json } = (settings ?? {}) as { readonly json?: { readonly validate?: { readonly enable?: unknown } } };
  return json?.validate?.enable === true;
}

/** The editor is gone, or does not want it: nothing is to be done about either. */
function ignore(): void {}

function textOf(context: DocumentContext["context"] | undefined): string | undefined {
  if (!context) return undefined;
  if ("profile" in context) return context.profile.text;
  return "plan" in context ? context.plan.text : context.text;
}

function describe(error: unknown): string {
  if (error instanceof SigmaQuantError) return error.describe();
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
