import path from "node:path";
import { parsePlan } from "../../core/plan/planFile.ts";
import type { ActivePlan } from "../sessionState.ts";
import { uriOf } from "../uris.ts";
import type { WorkspaceFiles } from "../workspaceFiles.ts";
import type { LanguageHost } from "./host.ts";

/** Plans looked at: a workspace with more has other worries. */
const maxPlans = 200;

/** A plan of the workspace and the files that it names. */
export interface IndexedPlan {
  readonly plan: ActivePlan;
  readonly modelPath: string;
  /** `preset:<name>` or a path. */
  readonly profile: string;
}

/** The workspace's plans, read when first asked for, and again after files changed or a plan was typed in. */
export class PlanIndex {
  private reading: Promise<readonly IndexedPlan[]> | undefined;
  private files: WorkspaceFiles | undefined;
  private readonly parsed = new Map<string, { readonly text: string; readonly entry: IndexedPlan | undefined }>();

  constructor(private readonly host: LanguageHost) {}

  /** An open plan's text is another one. */
  invalidate(): void {
    this.reading = undefined;
  }

  all(): Promise<readonly IndexedPlan[]> {
    const files = this.host.files();
    // Found anew after every change on disk.
    if (files !== this.files) this.reading = undefined;
    this.files = files;
    this.reading ??= this.readAll(files);
    return this.reading;
  }

  private async readAll({ plans }: WorkspaceFiles): Promise<readonly IndexedPlan[]> {
    const entries = await Promise.all(plans.slice(0, maxPlans).map((file) => this.read(file)));
    return entries.flatMap((entry) => entry ?? []);
  }

  private async read(file: string): Promise<IndexedPlan | undefined> {
    const uri = uriOf(file);
    const text = await this.host.texts.read(uri).catch(() => undefined);
    if (text === undefined) return undefined;
    const known = this.parsed.get(file);
    if (known?.text === text) return known.entry;
    const entry = indexed(uri, file, text);
    this.parsed.set(file, { text, entry });
    return entry;
  }
}

/** Undefined for a text that is no plan: its own editor says what is wrong with it. */
function indexed(uri: string, file: string, text: string): IndexedPlan | undefined {
  try {
    const plan = parsePlan(text, file);
    const { model, profile } = plan;
    return { plan: { uri, text, plan }, modelPath: beside(file, model), profile: profileOf(file, profile) };
  } catch {
    return undefined;
  }
}

/** A file that a plan names, relative to the plan. */
export function beside(planPath: string, name: string): string {
  return path.resolve(path.dirname(planPath), name);
}

export function profileOf(planPath: string, name: string): string {
  return name.startsWith("preset:") ? name : beside(planPath, name);
}
