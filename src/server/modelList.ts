import path from "node:path";
import { parsePlan } from "../core/plan/planFile.ts";
import { averageBits } from "../core/plan/summary.ts";
import type { Plan } from "../core/plan/types.ts";
import { defaultPlanPath } from "../node/quantizeToFiles.ts";
import type { ModelSummary, NamedModel } from "../protocol/requests.ts";
import type { Displayed } from "./displayed.ts";
import { NamedModels } from "./namedModels.ts";
import type { Texts } from "./texts.ts";
import { pathOf, uriOf } from "./uris.ts";
import type { Workspace } from "./workspace.ts";

/** The workspace's models with what is known of each: by its open editor, else by its plan. */
export class ModelList {
  /** @param viewOf what the editor of a model shows, by its URI; undefined where it is not open, or shows no bits */
  constructor(
    private readonly workspace: Workspace,
    private readonly texts: Texts,
    private readonly viewOf: (uri: string) => Displayed | undefined,
  ) {}

  async all(): Promise<readonly ModelSummary[]> {
    return Promise.all(this.workspace.files.models.map((file) => this.summary(file)));
  }

  /** @param uri of the text that has the names */
  async named(uri: string, names: readonly string[]): Promise<readonly NamedModel[]> {
    const { files, folders } = this.workspace;
    const named = new NamedModels({ document: pathOf(uri), folders, models: files.models });
    // A plan whose file is gone may be open in an editor all the same.
    const saved = new Set(files.plans);
    const summaries = new Map<string, Promise<ModelSummary>>();
    const found = names.map(async (name): Promise<NamedModel | undefined> => {
      const file = named.find(name);
      if (file === undefined || !saved.has(defaultPlanPath(file))) return undefined;
      const summary = summaries.get(file) ?? this.summary(file);
      summaries.set(file, summary);
      const { uri: model, name: fileName, planUri, headline, feasible, averageBits: bits } = await summary;
      if (planUri === undefined || headline === undefined) return undefined;
      const average = bits ? `, ${bits.toFixed(1)} bits on average` : "";
      return { name, uri: model, model: fileName, title: `$(${feasible ? "pass" : "error"}) ${headline}${average}` };
    });
    return (await Promise.all(found)).flatMap((each) => each ?? []);
  }

  private async summary(file: string): Promise<ModelSummary> {
    const uri = uriOf(file);
    const name = path.basename(file);
    const view = this.viewOf(uri);
    const planUri = uriOf(defaultPlanPath(file));
    const text = await this.texts.read(planUri).catch(() => undefined);
    const plan = text === undefined ? undefined : parsed(text);
    if (!plan && !view) return { uri, name };
    const verdict = view?.verdict ?? plan?.verdict;
    const layers = plan?.layers ?? [...(view?.rows.values() ?? [])];
    return {
      uri,
      name,
      ...(plan && { planUri }),
      ...(verdict && { headline: verdict.headline, feasible: verdict.verdict === "feasible" }),
      averageBits: averageBits(layers),
    };
  }
}

function parsed(text: string): Plan | undefined {
  try {
    return parsePlan(text, "plan");
  } catch {
    return undefined;
  }
}
