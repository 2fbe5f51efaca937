import type * as vscode from "vscode";
import type { ModelChoices } from "../protocol/requests.ts";

const key = "sigmaquant.choices";

/** What a person chose for each model, kept with the workspace. */
export class ChoicesStore {
  constructor(private readonly memento: vscode.Memento) {}

  get(uri: string): ModelChoices {
    return this.all()[uri] ?? {};
  }

  async set(uri: string, choices: ModelChoices): Promise<ModelChoices> {
    const merged = { ...this.get(uri), ...choices };
    await this.memento.update(key, { ...this.all(), [uri]: merged });
    return merged;
  }

  private all(): Readonly<Record<string, ModelChoices>> {
    return this.memento.get(key, {});
  }
}
