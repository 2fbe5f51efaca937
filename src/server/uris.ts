import { URI } from "vscode-uri";

/** Path of a file URI; undefined for other schemes (virtual workspaces, untitled documents). */
export function pathOf(uri: string): string | undefined {
  const parsed = URI.parse(uri);
  return parsed.scheme === "file" ? parsed.fsPath : undefined;
}

/** The URI as the editor itself writes it, so that it can be compared. Half a character, as a text may hold, has none: it becomes a mark. */
export function uriOf(path: string): string {
  return URI.file(Buffer.from(path).toString()).toString();
}

/** The same file written in another way (`c%3A` and `C:`) gets the same text. */
export function normalUri(uri: string): string {
  return URI.parse(uri).toString();
}
