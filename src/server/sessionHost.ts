import type { Choice, EditorSnapshot } from "../protocol/editor.ts";
import type { ServerSettings } from "../protocol/requests.ts";
import type { AnalysisCache } from "./analysisCache.ts";
import type { Texts } from "./texts.ts";
import type { WorkspaceFiles } from "./workspaceFiles.ts";

/** What a session needs of the server around it. */
export interface SessionHost {
  readonly engineFile: string;
  readonly cache: AnalysisCache;
  readonly texts: Texts;
  readonly trusted: () => boolean;
  readonly settings: () => ServerSettings;
  readonly files: () => WorkspaceFiles;
  /** Paths of the workspace's folders. */
  readonly folders: () => readonly string[];
  readonly profiles: () => readonly Choice[];
  readonly sampleSets: () => readonly Choice[];
  readonly planUri: (modelPath: string) => string;
  readonly publish: (uri: string, snapshot: EditorSnapshot) => void;
  /** What the list of models shows of an open one has changed. */
  readonly verdictChanged: () => void;
  readonly log: (line: string) => void;
}
