import { URI } from "vscode-uri";
import { modelTextScheme } from "../../protocol/modelText.ts";

/** Which of our texts a document is, by its name. */
export function documentKind(uri: string): "profile" | "plan" | "model" | undefined {
  if (uri.startsWith(`${modelTextScheme}:`)) return "model";
  if (/\.hwprofile\.json$/i.test(uri)) return "profile";
  return /\.sigmaquant\.json$/i.test(uri) ? "plan" : undefined;
}

/** URI of the model that a document shows as text. */
export function modelOfText(uri: string): string {
  return URI.parse(uri).query;
}
