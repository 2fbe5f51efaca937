import type { Displayed } from "../displayed.ts";
import type { SessionState } from "../sessionState.ts";
import type { Texts } from "../texts.ts";
import type { WorkspaceFiles } from "../workspaceFiles.ts";

/** An open model, as the language features look at it. */
export interface LanguageSession {
  readonly uri: string;
  readonly path: string;
  readonly state: SessionState;
  /** Bits and costs that its page shows; undefined before they are known, and without a device. */
  readonly view?: Displayed | undefined;
}

/** What the language features need of the server around them. */
export interface LanguageHost {
  readonly texts: Texts;
  /** Open models, the one that was last in use first. */
  readonly sessions: () => readonly LanguageSession[];
  readonly files: () => WorkspaceFiles;
  readonly log: (line: string) => void;
}
