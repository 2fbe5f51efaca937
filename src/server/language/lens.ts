/** A line of words above the text; one with a command does something. */
export interface Lens {
  readonly offset: number;
  readonly title: string;
  readonly command?: { readonly command: string; readonly arguments: readonly unknown[] };
}

/** Commands that lenses, actions and hovers name. Those of the extension come with one plain object that says what they are about. */
export const lensCommands = {
  /** Of the extension. { uri, profile }: gives the model this device, writes its plan and shows it. */
  allocateFor: "sigmaquant.allocateFor",
  /** Of the extension. { uri, profile }: shows the model on this device and others, side by side. */
  compareOn: "sigmaquant.compareOn",
  /** Of the extension. { uri, layer? }: opens a model's editor, at a layer. */
  showLayer: "sigmaquant.showLayer",
  /** Of the server. { uri }: of a profile; raises the budgets that can't be met. */
  raiseBudgets: "sigmaquant.server.raiseBudgets",
  /** Of the server. { uri }: of a plan; all layers but the pinned ones anew. */
  reallocatePlan: "sigmaquant.server.reallocatePlan",
} as const;
